%% otp_peer_tree: scenarios on supervision trees, on real supervisors. The driver (the process that called run/1) traces
%% every process of the tree; the harness, a process of its own, is the root's parent and calls the supervisors.
-module(otp_peer_tree).
-export([run/1, init/1, child_start/2, worker_init/2, worker_loop/2]).

-define(DYNAMIC, 'Elixir.DynamicSupervisor').
-define(SLOW_MS, 60).

run(Lines) ->
    {Tree, Commands} = lists:splitwith(fun([Word | _]) -> otp_peer:is_node(Word) end, Lines),
    Table = ets:new(tree, [public]),
    Nodes = nodes_of(Tree),
    [Root] = [Name || #{name := Name, word := "sup"} = Node <- Nodes, not is_map_key(parent, Node)],
    ets:insert(Table, [{driver, self()}, {order, [Name || #{name := Name} <- Nodes]}, {root, Root}
                       | [{{node, Name}, Node} || #{name := Name} = Node <- Nodes]]),
    Harness = spawn(fun() -> process_flag(trap_exit, true), harness() end),
    erlang:trace(Harness, true, [procs, set_on_spawn]),
    put(harness, Harness),
    put(dead, #{}),
    Blocks = [block(Table, Line) || Line <- [["init"] | Commands] ++ [["end"]]],
    [Blocks, leaked(Table)].

%% ---- the tree as described ----

nodes_of(Tree) ->
    [maps:from_list([{word, Word}, {name, list_to_atom(Name)} | [option(Option) || Option <- Options]])
     || [Word, Name | Options] <- Tree].

option(Option) ->
    [Key, Value] = string:split(Option, "="),
    {list_to_atom(Key), value(Key, Value)}.

value("plan", Value) ->
    [list_to_atom(Word) || Word <- string:lexemes(Value, ",")];
value(_, [First | _] = Value) when First >= $0, First =< $9 ->
    list_to_integer(Value);
value(_, Value) ->
    list_to_atom(Value).

node_of(Table, Name) ->
    ets:lookup_element(Table, {node, Name}, 2).

%% As a child of a supervisor.
child(Table, Name) ->
    #{word := Word} = Node = node_of(Table, Name),
    Type = case lists:member(Word, ["wrk", "spec"]) of true -> worker; false -> supervisor end,
    Default = case Type of worker -> 5000; supervisor -> infinity end,
    Child = #{id => Name, start => {?MODULE, child_start, [Table, Name]}, type => Type,
              restart => maps:get(restart, Node, permanent), shutdown => maps:get(shutdown, Node, Default)},
    case Node of
        #{sig := 1} -> Child#{significant => true};
        _ -> Child
    end.

children(Table, Parent) ->
    [child(Table, Name) || Name <- ets:lookup_element(Table, order, 2),
                           maps:get(parent, node_of(Table, Name), none) =:= Parent].

%% ---- the supervisors ----

init({Table, Name, Label, Parent}) ->
    ets:insert(Table, {{pid, self()}, Label, Parent}),
    note(Table, "* ~s", [Label]),
    Node = node_of(Table, Name),
    Intensity = maps:get(intensity, Node, 1),
    Period = maps:get(period, Node, 5),
    Flags = #{intensity => Intensity, period => Period},
    case Node of
        #{word := "sup"} ->
            Auto = maps:get(maps:get(auto, Node, never),
                            #{never => never, any => any_significant, all => all_significant}),
            Strategy = maps:get(strategy, Node, one_for_one),
            {ok, {Flags#{strategy => Strategy, auto_shutdown => Auto}, children(Table, Name)}};
        #{word := "simple"} ->
            {ok, {Flags#{strategy => simple_one_for_one},
                  [#{id => Name, start => {?MODULE, child_start, [Table]}, type => worker,
                     restart => maps:get(crestart, Node, permanent),
                     shutdown => maps:get(cshutdown, Node, 5000)}]}};
        #{word := "dyn"} ->
            ?DYNAMIC:init([{strategy, one_for_one}, {max_restarts, Intensity}, {max_seconds, Period},
                           {max_children, maps:get(max, Node, infinity)}])
    end.

child_start(Table, Name) ->
    #{word := Word} = Node = node_of(Table, Name),
    Number = ets:update_counter(Table, {attempts, Name}, 1, {{attempts, Name}, 0}),
    Label = lists:concat([Name, "#", Number]),
    case lists:member(Word, ["wrk", "spec"]) of
        false -> sup_start(Table, Name, Label, Word);
        true ->
            Plan = maps:get(plan, Node, []),
            What = case Number =< length(Plan) of true -> lists:nth(Number, Plan); false -> ok end,
            worker_start(What, Table, Node, Label)
    end.

sup_start(Table, Name, Label, Word) ->
    case (module(Word)):start_link(?MODULE, {Table, Name, Label, self()}) of
        {ok, Pid} ->
            ets:insert(Table, {{latest, Name}, Pid}),
            note(Table, "+ ~s", [Label]),
            {ok, Pid};
        {error, Why} = Error ->
            %% The starter is told before the process is gone.
            [gone(Pid) || [Pid] <- ets:match(Table, {{pid, '$1'}, Label, '_'})],
            note(Table, "! ~s ~s", [Label, otp_peer:term(Why)]),
            Error
    end.

gone(Pid) ->
    Ref = monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

worker_start(ok, Table, #{name := Name} = Node, Label) ->
    {ok, Pid} = proc_lib:start_link(?MODULE, worker_init, [self(), maps:get(kind, Node, plain)]),
    ets:insert(Table, [{{latest, Name}, Pid}, {{pid, Pid}, Label, self()}]),
    note(Table, "+ ~s", [Label]),
    {ok, Pid};
worker_start(ignore, Table, _, Label) ->
    note(Table, "? ~s", [Label]),
    ignore;
worker_start(error, Table, _, Label) ->
    note(Table, "! ~s boom", [Label]),
    {error, boom};
worker_start(exit, Table, _, Label) ->
    note(Table, "! ~s exit_boom", [Label]),
    exit(boom);
worker_start(bad, Table, _, Label) ->
    note(Table, "! ~s bad_return", [Label]),
    bad_return.

worker_init(Parent, Kind) ->
    process_flag(trap_exit, Kind =/= plain),
    proc_lib:init_ack({ok, self()}),
    worker_loop(Parent, Kind).

worker_loop(Parent, Kind) ->
    receive
        {die, Why} -> exit(Why);
        {'EXIT', Parent, Why} ->
            case Kind of
                trap -> exit(Why);
                odd -> exit(odd);
                clean -> exit(normal);
                slow -> timer:sleep(?SLOW_MS), exit(Why);
                stubborn -> worker_loop(Parent, Kind)
            end;
        _ -> worker_loop(Parent, Kind)
    end.

%% ---- events ----

note(Table, Format, Args) ->
    ets:lookup_element(Table, driver, 2) ! {note, lists:flatten(io_lib:format(Format, Args))}.

%% The workers that die at once have one supervisor; else the line is left out.
block(Table, ["multi" | Deaths] = Line) ->
    case length(supervisors(Table, [string:split(Death, "/") || Death <- Deaths])) of
        Count when Count < 2 -> full_block(Table, Line);
        _ -> []
    end;
block(Table, Line) ->
    full_block(Table, Line).

full_block(Table, Line) ->
    Result = command(Line, Table),
    otp_peer:settle(fun() -> idle(Table) end),
    Events = [event(Table, Event) || Event <- mailbox([])],
    [["> ", lists:join(" ", Line), "\n"], [[Text, "\n"] || Text <- order(lists:append(Events))],
     ["= ", Result, "\n"]].

mailbox(Events) ->
    receive
        {note, _} = Event -> mailbox([Event | Events]);
        {trace, Pid, exit, Why} -> mailbox([{exit, Pid, Why} | Events]);
        Trace when element(1, Trace) =:= trace -> mailbox(Events)
    after 0 -> lists:reverse(Events)
    end.

%% {note, Text}, {orphan, Key, Text}, {exit, Group, Key, Text}: of a child of a dyn or simple supervisor, or of none.
event(_, {note, _} = Note) ->
    [Note];
event(Table, {exit, Pid, Why}) ->
    case ets:lookup(Table, {pid, Pid}) of
        [] -> [];
        [{_, Label, Parent}] ->
            put(dead, (get(dead))#{Pid => true}),
            Text = lists:flatten(["- ", Label, " ", otp_peer:term(Why)]),
            case orphan(Table, Parent) of
                true -> [{orphan, key(Label), "~" ++ Text}];
                false -> [{exit, group(Table, Parent), key(Label), Text}]
            end
    end.

key(Label) ->
    [Name, Number] = string:split(Label, "#"),
    {Name, list_to_integer(Number)}.

orphan(Table, Pid) ->
    case ets:lookup(Table, {pid, Pid}) of
        [] -> false;
        [{_, _, Parent}] -> is_map_key(Pid, get(dead)) orelse orphan(Table, Parent)
    end.

group(Table, Pid) ->
    case ets:lookup(Table, {pid, Pid}) of
        [] -> none;
        [{_, Label, _}] ->
            {Name, _} = key(Label),
            case node_of(Table, list_to_atom(Name)) of
                #{word := "sup"} -> none;
                _ -> Pid
            end
    end.

order(Events) ->
    {Orphans, Others} = lists:partition(fun(Event) -> element(1, Event) =:= orphan end, Events),
    sort_runs(Others) ++ [Text || {orphan, _, Text} <- lists:sort(Orphans)].

sort_runs([]) ->
    [];
sort_runs([{note, Text} | Rest]) ->
    [Text | sort_runs(Rest)];
sort_runs([{exit, none, _, Text} | Rest]) ->
    [Text | sort_runs(Rest)];
sort_runs([{exit, Group, _, _} | _] = Events) ->
    {Run, Rest} = lists:splitwith(fun(Event) -> element(1, Event) =:= exit andalso element(2, Event) =:= Group end,
                                  Events),
    [Text || {exit, _, _, Text} <- lists:sort(Run)] ++ sort_runs(Rest).

idle(Table) ->
    lists:all(fun([Pid]) -> idle_process(Pid) end, ets:match(Table, {{pid, '$1'}, '_', '_'})).

idle_process(Pid) ->
    case process_info(Pid, [status, message_queue_len, current_function]) of
        undefined -> true;
        [{status, waiting}, {message_queue_len, 0}, {current_function, {gen_server, loop, _}}] -> true;
        [{status, waiting}, {message_queue_len, 0}, {current_function, {?MODULE, worker_loop, _}}] -> true;
        _ -> false
    end.

leaked(Table) ->
    Left = [{key(Label), Label, Pid} || [Pid, Label] <- ets:match(Table, {{pid, '$1'}, '$2', '_'}),
                                        is_process_alive(Pid)],
    [exit(Pid, kill) || {_, _, Pid} <- Left],
    exit(get(harness), kill),
    [lists:join(" ", ["leaked" | [Label || {_, Label, _} <- lists:sort(Left)]]), "\n"].

%% ---- the harness ----

harness() ->
    receive
        {do, Driver, Fun} ->
            Driver ! {done, Fun()},
            harness();
        _ -> harness()
    end.

by_harness(Fun) ->
    get(harness) ! {do, self(), Fun},
    receive {done, Result} -> Result end.

%% A call to a supervisor that may be dead, or may die of it.
call(Table, S, Fun) ->
    Pid = latest(Table, S),
    by_harness(fun() ->
                       try Fun(Pid)
                       catch
                           exit:noproc -> "noproc";
                           exit:{noproc, _} -> "noproc";
                           exit:_ -> "exited"
                       end
               end).

%% The pid of the latest incarnation; if there was none, that of a process that is no more.
latest(Table, Name) ->
    case ets:lookup(Table, {latest, to_atom(Name)}) of
        [{_, Pid}] -> Pid;
        [] ->
            {Pid, Ref} = spawn_monitor(fun() -> ok end),
            receive {'DOWN', Ref, process, Pid, _} -> Pid end
    end.

to_atom(Name) when is_atom(Name) -> Name;
to_atom(Name) -> list_to_atom(Name).

word_of(Table, S) ->
    maps:get(word, node_of(Table, list_to_atom(S))).

result(ok) -> "ok";
result({ok, undefined}) -> "ok undefined";
result({ok, _}) -> "ok";
result(ignore) -> "ignore";
result({error, {already_started, _}}) -> "error already_started";
result({error, {Why, Child}}) when element(1, Child) =:= child -> ["error ", otp_peer:term(Why)];
result({error, Why}) -> ["error ", otp_peer:term(Why)].

%% ---- the commands ----

command(["init"], Table) ->
    by_harness(fun() -> result(child_start(Table, root(Table))) end);
command(["end"], Table) ->
    Pid = latest(Table, root(Table)),
    case is_process_alive(Pid) of
        true -> by_harness(fun() -> exit(Pid, shutdown), "ok" end);
        false -> "dead"
    end;
command(["die", X, R], Table) ->
    Pid = latest(Table, X),
    to_living(Pid, fun() -> Pid ! {die, otp_peer:reason(R)} end);
command(["signal", X, R], Table) ->
    Pid = latest(Table, X),
    to_living(Pid, fun() -> exit(Pid, otp_peer:reason(R)) end);
command(["multi" | Deaths], Table) ->
    Pairs = [string:split(Death, "/") || Death <- Deaths],
    Living = [Supervisor || Supervisor <- supervisors(Table, Pairs), is_process_alive(Supervisor)],
    [erlang:suspend_process(Supervisor) || Supervisor <- Living],
    Died = [die_now(latest(Table, X), R) || [X, R] <- Pairs],
    [erlang:resume_process(Supervisor) || Supervisor <- Living],
    io_lib:format("~b died", [length([yes || true <- Died])]);
command(["stop", S, R], Table) ->
    call(Table, S, fun(Pid) -> result(gen_server:stop(Pid, otp_peer:reason(R), infinity)) end);
command(["start", S, X], Table) ->
    Child = child(Table, list_to_atom(X)),
    case word_of(Table, S) of
        "sup" -> call(Table, S, fun(Pid) -> result(supervisor:start_child(Pid, Child)) end);
        "simple" -> call(Table, S, fun(Pid) -> result(supervisor:start_child(Pid, [list_to_atom(X)])) end);
        "dyn" -> call(Table, S, fun(Pid) -> result(?DYNAMIC:start_child(Pid, Child)) end)
    end;
command(["term", S, X], Table) ->
    case word_of(Table, S) of
        "sup" -> call(Table, S, fun(Pid) -> result(supervisor:terminate_child(Pid, list_to_atom(X))) end);
        Word -> term_pid(Table, S, X, module(Word))
    end;
command(["restart", S, X], Table) ->
    by_id(Table, S, fun(Pid) -> result(supervisor:restart_child(Pid, list_to_atom(X))) end);
command(["delete", S, X], Table) ->
    by_id(Table, S, fun(Pid) -> result(supervisor:delete_child(Pid, list_to_atom(X))) end);
command(["which", S], Table) ->
    Word = word_of(Table, S),
    call(Table, S, fun(Pid) -> which(Table, Word =/= "sup", (module(Word)):which_children(Pid)) end);
command(["count", S], Table) ->
    Word = word_of(Table, S),
    call(Table, S, fun(Pid) -> counts((module(Word)):count_children(Pid)) end);
command(["sleep", Ms], _) ->
    timer:sleep(list_to_integer(Ms)),
    "ok";
command(["align", Ms], _) ->
    Late = list_to_integer(Ms) - erlang:monotonic_time(millisecond) rem 1000,
    timer:sleep(((Late rem 1000) + 1000) rem 1000),
    "ok".

root(Table) ->
    ets:lookup_element(Table, root, 2).

module("dyn") -> ?DYNAMIC;
module(_) -> supervisor.

to_living(Pid, Fun) ->
    case is_process_alive(Pid) of
        true -> Fun(), "ok";
        false -> "dead"
    end.

supervisors(Table, Pairs) ->
    Pids = [latest(Table, X) || [X, _] <- Pairs],
    lists:usort([Parent || Pid <- Pids, is_process_alive(Pid), {_, _, Parent} <- ets:lookup(Table, {pid, Pid})]).

die_now(Pid, R) ->
    Ref = monitor(process, Pid),
    Pid ! {die, otp_peer:reason(R)},
    receive {'DOWN', Ref, process, Pid, Why} -> Why =/= noproc end.

term_pid(Table, S, X, Module) ->
    Sup = latest(Table, S),
    case {is_process_alive(Sup), ets:lookup(Table, {latest, list_to_atom(X)})} of
        {false, _} -> "noproc";
        {true, []} -> "unknown";
        {true, [{_, Pid}]} -> call(Table, S, fun(_) -> result(Module:terminate_child(Sup, Pid)) end)
    end.

by_id(Table, S, Fun) ->
    case word_of(Table, S) of
        "dyn" -> "unsupported";
        _ -> call(Table, S, Fun)
    end.

which(_, _, []) ->
    "(none)";
which(Table, Dynamic, Children) ->
    Words = [which_word(Table, Child) || Child <- Children],
    lists:join(" ", case Dynamic of true -> lists:sort(Words); false -> Words end).

which_word(Table, {Id, State, _, _}) ->
    case ets:lookup(Table, {pid, State}) of
        [{_, Label, _}] -> Label;
        [] -> lists:concat([Id, ":", State])
    end.

counts(Counts) ->
    Get = fun(Key) -> case Counts of #{Key := N} -> N; _ -> proplists:get_value(Key, Counts) end end,
    io_lib:format("specs=~b active=~b supervisors=~b workers=~b", [Get(specs), Get(active), Get(supervisors), Get(workers)]).
