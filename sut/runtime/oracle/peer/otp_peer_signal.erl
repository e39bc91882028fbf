%% otp_peer_signal: scenarios on links, monitors, exit signals, names and aliases. Each process of the scenario does the
%% commands that the driver (the process that called run/1) sends it, and tells the driver what it reads.
-module(otp_peer_signal).
-export([run/1, loop/2, frozen/2]).

-record(state, {actors = #{}, % name => {pid, alive | dead}
                refs = [],    % {"m1", reference}, newest first
                events = []}).

run(Lines) ->
    put(prefix, lists:concat(["peer", erlang:unique_integer([positive]), "_"])),
    {Blocks, State} = lists:mapfoldl(fun valid_block/2, #state{}, Lines),
    Alive = lists:sort([Name || {Name, {_, alive}} <- maps:to_list(State#state.actors)]),
    [exit(Pid, kill) || {_, {Pid, alive}} <- maps:to_list(State#state.actors)],
    [Blocks, lists:join(" ", ["alive" | Alive]), "\n"].

%% Lines with processes and refs that there are not are left out.
valid_block([Word | Words] = Line, State) ->
    Known = case Word of "spawn" -> tl(Words); _ -> Words end,
    case lists:all(fun(One) -> is_known(One, State) end, Known) of
        true -> block(Line, State);
        false -> {[], State}
    end.

is_known([$p, Digit | _] = Name, State) when Digit >= $0, Digit =< $9 ->
    is_map_key(Name, State#state.actors);
is_known([$m, Digit | _] = Name, State) when Digit >= $0, Digit =< $9 ->
    lists:keymember(Name, 1, State#state.refs);
is_known(_, _) ->
    true.

block(Line, State) ->
    {Result, Given} = command(Line, State),
    otp_peer:settle(fun() -> idle(Given) end),
    {Events, Done} = events(Given),
    {[["> ", lists:join(" ", Line), "\n"], [[Event, "\n"] || Event <- Events], ["= ", Result, "\n"]], Done}.

%% ---- quiescence and events ----

idle(State) ->
    lists:all(fun({Pid, _}) -> idle_process(Pid) end, maps:values(State#state.actors)).

idle_process(Pid) ->
    case process_info(Pid, [status, message_queue_len, current_function]) of
        undefined -> true;
        [{status, waiting}, {message_queue_len, 0}, {current_function, {?MODULE, loop, 2}}] -> true;
        [{status, waiting}, _, {current_function, {?MODULE, frozen, 2}}] -> true;
        _ -> false
    end.

events(State) ->
    Found = mailbox([]),
    Exits = [{name_of(Pid, State), Why} || {exit, Pid, Why} <- Found],
    Actors = lists:foldl(fun({Name, _}, All) -> maps:update_with(Name, fun({P, _}) -> {P, dead} end, All) end,
                         State#state.actors, Exits),
    Texts = [["- ", Name, " ", otp_peer:term(Why)] || {Name, Why} <- Exits] ++
        [[name_of(Pid, State), " < ", read(What, State)]
         || {read, Pid, What} <- Found, not lists:keymember(name_of(Pid, State), 1, Exits)],
    {lists:usort([lists:flatten(Text) || Text <- Texts]), State#state{actors = Actors}}.

mailbox(Found) ->
    receive
        {read, _, _} = Read -> mailbox([Read | Found]);
        {'DOWN', _, process, Pid, Why} -> mailbox([{exit, Pid, Why} | Found])
    after 0 -> Found
    end.

name_of(Pid, State) ->
    case [Name || {Name, {P, _}} <- maps:to_list(State#state.actors), P =:= Pid] of
        [Name] -> Name;
        [] -> "-"
    end.

read({text, Text}, _) ->
    ["msg ", Text];
read({'EXIT', Pid, Why}, State) ->
    ["EXIT ", name_of(Pid, State), " ", otp_peer:term(Why)];
read({'DOWN', Ref, process, {Name, _}, Why}, State) ->
    ["DOWN ", ref_name(Ref, State), " name ", lists:nthtail(length(get(prefix)), atom_to_list(Name)), " ",
     otp_peer:term(Why)];
read({'DOWN', Ref, process, Pid, Why}, State) ->
    ["DOWN ", ref_name(Ref, State), " ", name_of(Pid, State), " ", otp_peer:term(Why)];
read(Other, _) ->
    io_lib:format("~0p", [Other]).

ref_name(Ref, State) ->
    case lists:keyfind(Ref, 2, State#state.refs) of
        {Name, _} -> Name;
        false -> "no ref of the scenario"
    end.

%% ---- the processes ----

loop(Driver, frozen) ->
    frozen(Driver, frozen);
loop(Driver, Mode) ->
    receive
        {command, Fun} -> loop(Driver, obey(Driver, Fun, Mode));
        Message ->
            Driver ! {read, self(), Message},
            loop(Driver, Mode)
    end.

frozen(Driver, Mode) ->
    receive
        {command, Fun} -> loop(Driver, obey(Driver, Fun, Mode))
    end.

obey(Driver, Fun, Mode) ->
    case Fun() of
        return -> exit(normal);
        Next when Next =:= frozen; Next =:= reading -> answer(Driver, ok), Next;
        Result -> answer(Driver, Result), Mode
    end.

answer(Driver, Result) ->
    Driver ! {answer, self(), Result}.

%% Has a process do something. The answer is what it says, or that it died of it.
by(Name, State, Fun) ->
    #{Name := {Pid, Life}} = State#state.actors,
    case Life of
        dead -> dead;
        alive ->
            Ref = monitor(process, Pid),
            Pid ! {command, Fun},
            receive
                {answer, Pid, Result} -> demonitor(Ref, [flush]), Result;
                {'DOWN', Ref, process, Pid, _} ->
                    receive {answer, Pid, Result} -> Result after 0 -> died end
            end
    end.

pid(Name, State) ->
    #{Name := {Pid, _}} = State#state.actors,
    Pid.

atom(Name) ->
    list_to_atom(get(prefix) ++ Name).

%% ---- the commands ----

word(Result) ->
    atom_to_list(Result).

%% Results that leave the state as it is.
plain(Name, State, Fun) ->
    {word(by(Name, State, fun() -> Fun(), ok end)), State}.

%% Results that are a new ref.
ref(Name, State, Fun) ->
    case by(Name, State, Fun) of
        Ref when is_reference(Ref) -> add_ref(Ref, State);
        Other -> {word(Other), State}
    end.

add_ref(Ref, State) ->
    New = lists:concat(["m", length(State#state.refs) + 1]),
    {New, State#state{refs = [{New, Ref} | State#state.refs]}}.

ref_of(Name, State) ->
    {_, Ref} = lists:keyfind(Name, 1, State#state.refs),
    Ref.

add_actor(Name, Pid, State) ->
    monitor(process, Pid),
    State#state{actors = (State#state.actors)#{Name => {Pid, alive}}}.

command(["spawn", P], State) ->
    Driver = self(),
    {"ok", add_actor(P, spawn(?MODULE, loop, [Driver, reading]), State)};
command(["spawn", P, Q], State) ->
    command(["spawn", P, Q, "none"], State);
command(["spawn", P, Q, How], State) ->
    Args = [?MODULE, loop, [self(), reading]],
    Spawn = maps:get(How, #{"none" => spawn, "link" => spawn_link, "mon" => spawn_monitor}),
    case by(Q, State, fun() -> apply(erlang, Spawn, Args) end) of
        {Pid, Ref} -> add_ref(Ref, add_actor(P, Pid, State));
        Pid when is_pid(Pid) -> {"ok", add_actor(P, Pid, State)};
        dead -> {"dead", State}
    end;
command(["trap", P], State) -> plain(P, State, fun() -> process_flag(trap_exit, true) end);
command(["untrap", P], State) -> plain(P, State, fun() -> process_flag(trap_exit, false) end);
command(["link", P, Q], State) -> plain(P, State, fun() -> link(pid(Q, State)) end);
command(["unlink", P, Q], State) -> plain(P, State, fun() -> unlink(pid(Q, State)) end);
command(["mon", P, "name", N], State) ->
    Name = atom(N),
    ref(P, State, fun() -> monitor(process, Name) end);
command(["mon", P, Q], State) -> ref(P, State, fun() -> monitor(process, pid(Q, State)) end);
command(["demon", P, M], State) -> plain(P, State, fun() -> demonitor(ref_of(M, State)) end);
command(["demon", P, M, "flush"], State) -> plain(P, State, fun() -> demonitor(ref_of(M, State), [flush]) end);
command(["demon", P, M, "info"], State) ->
    {word(by(P, State, fun() -> demonitor(ref_of(M, State), [info]) end)), State};
command(["exit", P, R], State) -> plain(P, State, fun() -> exit(otp_peer:reason(R)) end);
command(["err", P, R], State) -> plain(P, State, fun() -> error(otp_peer:reason(R)) end);
command(["throw", P, R], State) -> plain(P, State, fun() -> throw(otp_peer:reason(R)) end);
command(["return", P], State) -> {word(by(P, State, fun() -> return end)), State};
command(["sig", "-", Q, R], State) ->
    exit(pid(Q, State), otp_peer:reason(R)),
    {"ok", State};
command(["sig", P, Q, R], State) ->
    {Result, Same} = plain(P, State, fun() -> exit(pid(Q, State), otp_peer:reason(R)) end),
    {case Result of "died" when P =/= Q -> "ok"; _ -> Result end, Same};
command(["send", "-", Q, Text], State) ->
    pid(Q, State) ! {text, Text},
    {"ok", State};
command(["send", P, Q, Text], State) -> plain(P, State, fun() -> pid(Q, State) ! {text, Text} end);
command(["reg", P, N], State) ->
    {badarg_or_ok(fun() -> register(atom(N), pid(P, State)) end), State};
command(["unreg", N], State) ->
    {badarg_or_ok(fun() -> unregister(atom(N)) end), State};
command(["whereis", N], State) ->
    case whereis(atom(N)) of
        undefined -> {"undefined", State};
        Pid -> {name_of(Pid, State), State}
    end;
command(["sendname", P, N, Text], State) ->
    Name = atom(N),
    plain(P, State, fun() -> Name ! {text, Text} end);
command(["links", P], State) ->
    case by(P, State, fun() -> process_info(self(), links) end) of
        {links, Pids} ->
            {["[", lists:join(",", lists:sort([name_of(Pid, State) || Pid <- Pids])), "]"], State};
        Other -> {word(Other), State}
    end;
command(["freeze", P], State) -> {word(by(P, State, fun() -> frozen end)), State};
command(["thaw", P], State) -> {word(by(P, State, fun() -> reading end)), State};
command(["alias", P, "explicit"], State) -> ref(P, State, fun() -> alias([explicit_unalias]) end);
command(["alias", P, "reply"], State) -> ref(P, State, fun() -> alias([reply]) end);
command(["amon", P, Q, How], State) ->
    Kind = case How of "explicit" -> explicit_unalias; _ -> list_to_atom(How) end,
    ref(P, State, fun() -> monitor(process, pid(Q, State), [{alias, Kind}]) end);
command(["unalias", P, M], State) ->
    {word(by(P, State, fun() -> unalias(ref_of(M, State)) end)), State};
command(["asend", M, Text], State) ->
    ref_of(M, State) ! {text, Text},
    {"ok", State}.

badarg_or_ok(Fun) ->
    try Fun() of
        true -> "ok"
    catch
        error:badarg -> "error badarg"
    end.
