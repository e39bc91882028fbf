#!/usr/bin/env escript
%%! +S 1 +P 2000000 +sbwt none
%% What bench_otp.c measures, done by Erlang on one scheduler: lines of "NAME VALUE". Rates are by the time of the processor, the best of
%% five rounds.
-mode(compile).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, start_child/1]).

main(_) ->
    logger:set_primary_config(level, none),
    say("idle", idle(100000)),
    say("spawn", best(fun() -> spawner(200000) end, 200000)),
    say("ping", best(fun() -> pinger(300000) end, 300000)),
    say("call", best(fun() -> caller(200000) end, 200000)),
    say("mailbox", best(fun() -> mailbox(1000000) end, 1000000)),
    say("timers", best(fun() -> timers(1000000) end, 1000000)),
    say("set", best(fun() -> rows(set, 100000) end, 100000)),
    say("ordered", best(fun() -> rows(ordered_set, 100000) end, 100000)),
    say("restart", best(fun() -> restarts(2000) end, 2000)).

say(Name, Value) -> io:format("~s ~p~n", [Name, float(Value)]).

%% The work is done by a fresh process, so that no heap is left over from the round before.
best(Work, Count) -> lists:max([rate(Work, Count) || _ <- lists:seq(1, 5)]).

rate(Work, Count) ->
    {Start, _} = statistics(runtime),
    {Pid, Ref} = spawn_monitor(fun() -> Work(), exit(shutdown) end),
    receive {'DOWN', Ref, process, Pid, shutdown} -> ok end,
    {End, _} = statistics(runtime),
    Count * 1.0e3 / max(1, End - Start).

%% ---- memory ----

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:tokens(binary_to_list(Text), " "),
    list_to_integer(Pages) * 4096.

idle(Count) ->
    Before = resident(),
    Me = self(),
    {Parent, Ref} = spawn_monitor(fun() -> idle_start(Count), Me ! stand, receive stop -> exit(shutdown) end end),
    receive stand -> ok; {'DOWN', Ref, _, _, Why} -> exit(Why) end,
    Each = (resident() - Before) / Count,
    Parent ! stop,
    receive {'DOWN', Ref, process, Parent, _} -> Each end.

idle_start(0) -> ok;
idle_start(N) -> {ok, _} = gen_server:start_link(?MODULE, 0, []), idle_start(N - 1).

%% ---- processes ----

spawner(0) -> ok;
spawner(N) ->
    P = spawn(fun() -> receive _ -> ok end end),
    P ! N,
    case N rem 100 of 1 -> erlang:yield(); _ -> ok end,
    spawner(N - 1).

pinger(N) ->
    Pong = spawn_link(fun pong/0),
    ping(Pong, N).
ping(_, 0) -> ok;
ping(Pong, N) -> Pong ! {self(), N}, receive N -> ping(Pong, N - 1) end.
pong() -> receive {From, N} -> From ! N, pong() end.

mailbox(Count) ->
    Me = self(),
    Reader = spawn_link(fun() -> receive go -> read(Count), Me ! done end end),
    write(Reader, Count),
    Reader ! go,
    receive done -> ok end.
write(_, 0) -> ok;
write(Pid, N) -> Pid ! {n, N}, write(Pid, N - 1).
read(0) -> ok;
read(N) -> receive {n, _} -> read(N - 1) end.

timers(Count) ->
    Refs = [erlang:send_after(1000000 + I rem 1000, self(), tick) || I <- lists:seq(1, Count)],
    [erlang:cancel_timer(R) || R <- Refs],
    ok.

%% ---- tables ----

rows(Type, Count) ->
    T = ets:new(rows, [Type]),
    rows_insert(T, Count, 0),
    rows_lookup(T, Count, 0).
rows_insert(_, Count, Count) -> ok;
rows_insert(T, Count, N) -> ets:insert(T, {N * 7919 rem Count, N}), rows_insert(T, Count, N + 1).
rows_lookup(_, Count, N) when N =:= 5 * Count -> ok;
rows_lookup(T, Count, N) -> [_] = ets:lookup(T, N * 7907 rem Count), rows_lookup(T, Count, N + 1).

%% ---- servers and supervisors ----

caller(N) ->
    {ok, Pid} = gen_server:start_link(?MODULE, 0, []),
    calls(Pid, N).
calls(_, 0) -> ok;
calls(Pid, N) -> N = gen_server:call(Pid, {echo, N}), calls(Pid, N - 1).

init({sup, Top}) ->
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1},
          [#{id => child, start => {?MODULE, start_child, [Top]}}]}};
init(State) -> {ok, State}.
handle_call({echo, N}, _, State) -> {reply, N, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info(_, State) -> {noreply, State}.

start_child(Top) -> {ok, proc_lib:spawn_link(fun() -> Top ! {up, self()}, receive _ -> exit(crash) end end)}.

restarts(N) ->
    process_flag(trap_exit, true),
    {ok, Sup} = supervisor:start_link(?MODULE, {sup, self()}),
    kill(N),
    exit(Sup, shutdown),
    receive {'EXIT', Sup, _} -> ok end.
kill(0) -> receive {up, _} -> ok end;
kill(N) -> receive {up, Pid} -> Pid ! die end, kill(N - 1).
