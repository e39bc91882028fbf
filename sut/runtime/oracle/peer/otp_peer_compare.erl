%% otp_peer_compare: random scenarios, run here and on the runtime. What differs is run again, since real processes race,
%% and made smaller.
-module(otp_peer_compare).
-export([run/4]).

-define(BATCH, 600).

run(Oracle, First, Last, RunAll) ->
    {Differ, Races} = batches(Oracle, First, Last, RunAll, {0, 0}),
    io:format("~b scenarios, ~b differ, ~b race~n", [Last - First + 1, Differ, Races]),
    case Differ of 0 -> 0; _ -> 1 end.

batches(_, First, Last, _, Counts) when First > Last ->
    Counts;
batches(Oracle, First, Last, RunAll, Counts) ->
    Numbers = lists:seq(First, min(Last, First + ?BATCH - 1)),
    Texts = [otp_peer_scenario:text(Number) || Number <- Numbers],
    Found = [compare(Oracle, Number, Text, Theirs, RunAll)
             || {Number, Text, Theirs} <- lists:zip3(Numbers, Texts, RunAll(Texts))],
    batches(Oracle, First + ?BATCH, Last, RunAll, lists:foldl(fun count/2, Counts, Found)).

count(same, Counts) -> Counts;
count(differs, {Differ, Races}) -> {Differ + 1, Races};
count(races, {Differ, Races}) -> {Differ, Races + 1}.

compare(Oracle, Number, Text, Theirs, RunAll) ->
    case ours(Oracle, otp_peer:said(Text, Theirs)) of
        Theirs -> same;
        _ -> differ(Oracle, Number, Text, RunAll)
    end.

differ(Oracle, Number, Text, RunAll) ->
    case differs_always(Oracle, Text, RunAll) of
        false -> races;
        true ->
            Small = smaller(Oracle, otp_peer:lines(Text), 1, RunAll),
            [Theirs] = RunAll([Small]),
            io:format("==== ~b~n~s---- Erlang~n~s---- ours~n~s~n",
                      [Number, Small, Theirs, ours(Oracle, otp_peer:said(Small, Theirs))]),
            differs
    end.

ours(Oracle, Text) ->
    File = lists:concat(["/tmp/otp_peer.", os:getpid()]),
    ok = file:write_file(File, Text),
    Trace = os:cmd(lists:concat([Oracle, " < ", File, " 2>&1"])),
    ok = file:delete(File),
    unicode:characters_to_binary(Trace).

differs_always(Oracle, Text, RunAll) ->
    lists:all(fun(Theirs) ->
                      Ours = ours(Oracle, otp_peer:said(Text, Theirs)),
                      Ours =/= Theirs
                          andalso binary:match(Theirs, <<"FAILED">>) =:= nomatch
                          andalso binary:match(Ours, <<"otp-oracle:">>) =:= nomatch
              end, RunAll([Text, Text, Text])).

smaller(Oracle, Lines, At, RunAll) ->
    case At > length(Lines) of
        true -> otp_peer:join(Lines);
        false ->
            Less = lists:sublist(Lines, At - 1) ++ lists:nthtail(At, Lines),
            case Less =/= [] andalso differs_always(Oracle, otp_peer:join(Less), RunAll) of
                true -> smaller(Oracle, Less, At, RunAll);
                false -> smaller(Oracle, Lines, At + 1, RunAll)
            end
    end.
