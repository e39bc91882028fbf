%% otp_peer_compare: random scenarios, run here and on the runtime. What differs is run again, since real processes race,
%% and made smaller.
-module(otp_peer_compare).
-export([run/4]).

-define(BATCH, 600).

%% RunAll(Texts) gives the traces of this Erlang. The exit status: 1 if anything differs.
run(Oracle, First, Last, RunAll) ->
    Found = batches(Oracle, First, Last, RunAll),
    Count = fun(What) -> length([One || One <- Found, One =:= What]) end,
    io:format("~b scenarios: ~b same, ~b differ, ~b race here~n",
              [length(Found), Count(same), Count(differs), Count(races)]),
    min(1, Count(differs)).

batches(_, First, Last, _) when First > Last ->
    [];
batches(Oracle, First, Last, RunAll) ->
    Numbers = lists:seq(First, min(Last, First + ?BATCH - 1)),
    Scenarios = [{Number, Text} || Number <- Numbers, Text <- [otp_peer_scenario:text(Number)], possible(Text)],
    Traces = RunAll([Text || {_, Text} <- Scenarios]),
    [compare(Oracle, Number, Text, Theirs, RunAll) || {{Number, Text}, Theirs} <- lists:zip(Scenarios, Traces)]
        ++ batches(Oracle, First + ?BATCH, Last, RunAll).

%% Dynamic supervisors are Elixir's, which may not be installed.
possible(Text) ->
    code:ensure_loaded('Elixir.DynamicSupervisor') =/= {error, nofile}
        orelse binary:match(Text, <<"\ndyn ">>) =:= nomatch.

compare(Oracle, Number, Text, Theirs, RunAll) ->
    case ours(Oracle, otp_peer:said(Text, Theirs)) of
        Theirs -> same;
        Ours ->
            case differs_always(Oracle, Text, RunAll) orelse not is_trace(Theirs) orelse not is_trace(Ours) of
                false -> io:format("==== ~b races here~n", [Number]), races;
                true -> show(Oracle, Number, Text, RunAll), differs
            end
    end.

show(Oracle, Number, Text, RunAll) ->
    Small = smaller(Oracle, otp_peer:lines(Text), 1, RunAll),
    [Theirs] = RunAll([Small]),
    io:format("==== ~b~n~s---- Erlang~n~s---- ours~n~s~n",
              [Number, Small, Theirs, ours(Oracle, otp_peer:said(Small, Theirs))]).

ours(Oracle, Text) ->
    File = lists:concat(["/tmp/otp_peer.", os:getpid()]),
    ok = file:write_file(File, Text),
    Trace = os:cmd(lists:concat([Oracle, " < ", File, " 2>&1"])),
    ok = file:delete(File),
    unicode:characters_to_binary(Trace).

is_trace(<<"> ", _/binary>> = Text) -> binary:match(Text, <<"otp-oracle: ">>) =:= nomatch;
is_trace(_) -> false.

differs_always(Oracle, Text, RunAll) ->
    lists:all(fun(Theirs) ->
                      Ours = ours(Oracle, otp_peer:said(Text, Theirs)),
                      Ours =/= Theirs andalso is_trace(Ours) andalso is_trace(Theirs)
              end, RunAll([Text, Text, Text])).

smaller(_, Lines, At, _) when At > length(Lines) ->
    otp_peer:join(Lines);
smaller(Oracle, Lines, At, RunAll) ->
    Less = lists:sublist(Lines, At - 1) ++ lists:nthtail(At, Lines),
    case Less =/= [] andalso differs_always(Oracle, otp_peer:join(Less), RunAll) of
        true -> smaller(Oracle, Less, At, RunAll);
        false -> smaller(Oracle, Lines, At + 1, RunAll)
    end.
