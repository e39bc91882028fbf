/* graphile.js: what Graphile Worker can do on the PostgreSQL of PGHOST: no-op jobs, as its own performance test runs them, with
 * its fastest settings (a local queue of 500, completions in batches). One JSON line per figure. It deletes what is done.
 *   node graphile.js [JOBS [PROCESSES]]
 * Processes get ready first, connected; what is timed lies between the word to begin and the last end.
 */
const { fork } = require("node:child_process");
const { runOnce, runMigrations } = require("graphile-worker");
const { Pool } = require("pg");

const JOBS = Number(process.argv[2] || 100000);
const PROCESSES = Number(process.argv[3] || 4);
const CONCURRENCY = 24;

const settings = (pgPool) => ({
  pgPool,
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  logger: new (require("graphile-worker").Logger)(() => () => {}),
  preset: {
    worker: {
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      concurrentJobs: CONCURRENCY,
      maxPoolSize: CONCURRENCY + 1,
    },
  },
});

/* Who uses a pool must listen for the errors of its idle connections. */
const pool = (max) =>
  new Pool({ max }).on("error", (error) => console.error(error)).on("connect", (client) => client.on("error", () => {}));
const say = (name, value, unit) => console.log(JSON.stringify({ name, value: Math.round(value), unit }));
const seconds = () => Number(process.hrtime.bigint()) / 1e9;

async function child() {
  const pgPool = pool(CONCURRENCY + 1);
  await pgPool.query("select 1");
  process.send("ready");
  await new Promise((begin) => process.once("message", begin));
  await runOnce({ ...settings(pgPool), taskList: { nothing: () => {} } });
  await pgPool.end();
  process.disconnect();
}

async function insert(pgPool) {
  const begin = seconds();
  for (let first = 0; first < JOBS; first += 10000)
    await pgPool.query(
      `select 1 from graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec,
         json_build_object('identifier', 'nothing', 'payload', json_build_object('key', i)))
         from generate_series($1::int, $2::int) i))`,
      [first + 1, Math.min(first + 10000, JOBS)],
    );
  say("graphile worker insert, batches of 10000", JOBS / (seconds() - begin), "jobs/s");
}

async function parent() {
  const pgPool = pool(2);
  await runMigrations(settings(pgPool));
  await insert(pgPool);
  const children = Array.from({ length: PROCESSES }, () => fork(__filename, { env: { ...process.env, CHILD: "1" } }));
  await Promise.all(children.map((each) => new Promise((ready) => each.once("message", ready))));
  const begin = seconds();
  children.forEach((each) => each.send("begin"));
  await Promise.all(children.map((each) => new Promise((end) => each.once("exit", end))));
  const took = seconds() - begin;
  const left = await pgPool.query("select count(*)::int as n from graphile_worker._private_jobs");
  if (left.rows[0].n !== 0) throw new Error(`${left.rows[0].n} jobs were left`);
  say(`graphile worker, ${PROCESSES} processes`, JOBS / took, "jobs/s");
  await pgPool.end();
}

(process.env.CHILD ? child() : parent()).catch((error) => {
  console.error(error);
  process.exit(1);
});
