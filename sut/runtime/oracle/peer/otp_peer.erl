%% otp_peer: Erlang's answers to scenarios of the oracle's format, to compare the runtime with.
%%
%%   record < FILE.cases       prints the cases with the traces of this Erlang
%%   compare ORACLE SEED COUNT makes COUNT scenarios, runs each here and on ORACLE, prints those that differ
%%
%% A scenario on trees is run by otp_peer_tree, one on signals by otp_peer_signal. Many run at the same time, since most of
%% the time is spent on waiting.
-module(otp_peer).
-export([start/0, said/2, lines/1, join/1, is_node/1, settle/1, term/1, reason/1]).

-define(AT_ONCE, 150).
-define(PATIENCE_MS, 60000).

start() ->
    logger:set_primary_config(level, none),
    [code:add_pathz(Dir) || Dir <- filelib:wildcard("/usr/lib/elixir/lib/elixir/ebin")],
    halt(main(init:get_plain_arguments())).

main(["record"]) ->
    Cases = read_cases(),
    Traces = run_all([Text || {_, Text} <- Cases]),
    [io:put_chars(["@@ case ", Name, $\n, said(Text, Trace), "@@ expect\n", Trace])
     || {{Name, Text}, Trace} <- lists:zip(Cases, Traces)],
    io:put_chars("@@ end\n"),
    0;
main(["compare", Oracle, Seed, Count]) ->
    First = list_to_integer(Seed),
    otp_peer_compare:run(Oracle, First, First + list_to_integer(Count) - 1, fun run_all/1);
main(_) ->
    io:put_chars(standard_error, "otp_peer: record, or compare ORACLE SEED COUNT\n"),
    4.

%% ---- cases ----

read_cases() ->
    {ok, Input} = read_all([]),
    [_ | Parts] = re:split(Input, <<"^@@ case ">>, [multiline, {return, binary}]),
    [read_case(Part) || Part <- Parts].

read_all(Read) ->
    case io:get_line("") of
        eof -> {ok, lists:reverse(Read)};
        Line -> read_all([Line | Read])
    end.

read_case(Part) ->
    [Scenario | _] = re:split(Part, <<"^@@ ">>, [multiline, {return, binary}]),
    [Name, Text] = binary:split(Scenario, <<"\n">>),
    {Name, Text}.

%% ---- running ----

run_all(Texts) ->
    Numbered = lists:zip(lists:seq(1, length(Texts)), Texts),
    {Now, Later} = lists:split(min(?AT_ONCE, length(Texts)), Numbered),
    Running = maps:from_list([spawn_run(One) || One <- Now]),
    Traces = collect(Running, Later, #{}),
    [maps:get(Number, Traces) || {Number, _} <- Numbered].

spawn_run({Number, Text}) ->
    {_, Ref} = spawn_monitor(fun() -> exit({trace, run(Text)}) end),
    {Ref, Number}.

collect(Running, _, Traces) when map_size(Running) =:= 0 ->
    Traces;
collect(Running, Later, Traces) ->
    receive
        {'DOWN', Ref, process, _, Why} ->
            {Number, Rest} = maps:take(Ref, Running),
            Trace = case Why of
                        {trace, Iolist} -> unicode:characters_to_binary(Iolist);
                        _ -> unicode:characters_to_binary(io_lib:format("FAILED ~0p~n", [Why]))
                    end,
            Added = Traces#{Number => Trace},
            case Later of
                [] -> collect(Rest, [], Added);
                [Next | More] ->
                    {NextRef, NextNumber} = spawn_run(Next),
                    collect(Rest#{NextRef => NextNumber}, More, Added)
            end
    end.

run(Text) ->
    {ok, _} = timer:kill_after(?PATIENCE_MS),
    Lines = [string:lexemes(hd(string:split(Line, "#")), " \t")
             || Line <- string:lexemes(unicode:characters_to_list(Text), "\n")],
    Full = [Line || Line <- Lines, Line =/= []], % a comment leaves nothing
    case is_node(hd(hd(Full))) of
        true -> otp_peer_tree:run(Full);
        false -> otp_peer_signal:run(Full)
    end.

%% ---- texts ----

%% The scenario without the lines that did not count: those are not in the trace.
said(Text, Theirs) ->
    Said = [Line || <<"> ", Line/binary>> <- lines(Theirs)],
    Lines = lines(Text),
    {Tree, Commands} = lists:splitwith(fun is_node/1, Lines),
    join(Tree ++ said_lines(Commands, case Said of [<<"init">> | More] -> More; _ -> Said end)).

said_lines(_, []) -> [];
said_lines([], _) -> [];
said_lines([Line | Lines], [Line | Said]) -> [Line | said_lines(Lines, Said)];
said_lines([_ | Lines], Said) -> said_lines(Lines, Said).

lines(Text) ->
    binary:split(Text, <<"\n">>, [global, trim_all]).

join(Lines) ->
    unicode:characters_to_binary([[Line, "\n"] || Line <- Lines]).

%% ---- what both kinds need ----

%% Is this line, or its first word, one of the tree?
is_node(Line) ->
    lists:member(hd(string:lexemes(Line, " ")), ["sup", "dyn", "simple", "wrk", "spec",
                                                 <<"sup">>, <<"dyn">>, <<"simple">>, <<"wrk">>, <<"spec">>]).

%% Waits until Idle() has been true a few times in a row, with pauses for what is on its way.
settle(Idle) ->
    settle(Idle, 3).

settle(_, 0) ->
    ok;
settle(Idle, Times) ->
    Left = case Idle() of
               true -> Times - 1;
               false -> 3
           end,
    timer:sleep(1),
    settle(Idle, Left).

%% Terms as the traces have them: without blanks, stacks left out.
term(Term) ->
    io_lib:format("~0p", [without_stack(Term)]).

without_stack({Reason, [{_, _, _, Where} | _]}) when is_list(Where) ->
    {without_stack(Reason), stack};
without_stack(Reason) ->
    Reason.

reason("shutdown:" ++ More) ->
    {shutdown, list_to_atom(More)};
reason(Word) ->
    list_to_atom(Word).
