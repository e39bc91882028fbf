%% otp_peer_scenario: random scenarios. The same number gives the same scenario.
-module(otp_peer_scenario).
-export([text/1]).

text(Number) ->
    rand:seed(exsss, Number),
    Lines = case Number rem 8 of
                N when N < 3 -> signals();
                3 -> windows();
                N when N < 6 -> trees();
                6 -> retries();
                7 when Number rem 16 =:= 7 -> crowd();
                7 -> ends()
            end,
    unicode:characters_to_binary([[Line, "\n"] || Line <- Lines]).

%% ---- chance ----

pick(List) ->
    lists:nth(rand:uniform(length(List)), List).

chance(Percent) ->
    rand:uniform(100) =< Percent.

between(Least, Most) ->
    Least + rand:uniform(Most - Least + 1) - 1.

times(Least, Most, Fun) ->
    [Fun(N) || N <- lists:seq(1, between(Least, Most))].

line(Format, Args) ->
    lists:flatten(io_lib:format(Format, Args)).

%% Weighted: [{Weight, Fun}].
choose(Choices) ->
    choose(rand:uniform(lists:sum([Weight || {Weight, _} <- Choices])), Choices).

choose(Left, [{Weight, Fun} | _]) when Left =< Weight -> Fun();
choose(Left, [{Weight, _} | Rest]) -> choose(Left - Weight, Rest).

%% ---- signals ----

%% Lines may name processes and refs that there are not; whoever runs the scenario leaves them out.
signals() ->
    Processes = between(2, 6),
    put(spawned, Processes),
    put(refs, 0),
    Weights = [{Word, pick([0, 1, 2, 4, 8])} || Word <- [life, names, aliases, freezing, links]],
    [line("spawn p~b", [N]) || N <- lists:seq(1, Processes)] ++
        [line("trap p~b", [N]) || N <- lists:seq(1, Processes), chance(40)] ++
        times(4, 60, fun(_) -> signal_line(Weights) end).

next(Counter) ->
    put(Counter, get(Counter) + 1),
    get(Counter).

%% Old processes are dead, mostly.
signal_line(Weights) ->
    P = fun() -> line("p~b", [pick([between(1, get(spawned)), get(spawned) - min(between(0, 3), get(spawned) - 1)])]) end,
    M = fun() -> line("m~b", [pick([between(1, 1 + get(refs)), max(1, get(refs) - between(0, 2))])]) end,
    Ref = fun(Line) -> next(refs), Line end,
    Name = fun() -> pick(["n1", "n2"]) end,
    R = fun() -> pick(["normal", "normal", "shutdown", "kill", "oops", "boom", "shutdown:x", "killed", "noproc"]) end,
    Text = fun() -> line("t~b", [between(1, 99)]) end,
    W = fun(Key) -> proplists:get_value(Key, Weights) end,
    choose(
      [{2, fun() -> line("spawn p~b", [next(spawned)]) end},
       {2, fun() -> Q = P(), line("spawn p~b ~s ~s", [next(spawned), Q, pick(["none", "link", "link", "mon"])]) end},
       {W(life), fun() -> line("spawn p~b", [next(spawned)]) end},
       {3, fun() -> line("~s ~s", [pick(["trap", "trap", "trap", "untrap"]), P()]) end},
       {2, fun() -> Ref(line("mon ~s ~s", [P(), P()])) end},
       {2, fun() -> line("demon ~s ~s~s", [P(), M(), pick(["", " flush", " info"])]) end},
       {1, fun() -> two_monitors(P(), P(), next(refs), next(refs)) end},
       {1, fun() -> line("exit ~s ~s", [P(), R()]) end},
       {3, fun() -> line("sig ~s ~s ~s", [pick([P(), P(), P(), "-"]), P(), R()]) end},
       {2, fun() -> line("send ~s ~s ~s", [pick([P(), "-"]), P(), Text()]) end},
       {W(life), fun() -> pick([line("exit ~s ~s", [P(), R()]), line("err ~s ~s", [P(), R()]),
                                line("throw ~s ~s", [P(), R()]), line("return ~s", [P()])]) end},
       {W(links), fun() -> line("~s ~s ~s", [pick(["link", "link", "unlink"]), P(), P()]) end},
       {W(links), fun() -> line("links ~s", [P()]) end},
       {W(names), fun() -> line("reg ~s ~s", [P(), Name()]) end},
       {W(names), fun() -> pick([line("unreg ~s", [Name()]), line("whereis ~s", [Name()])]) end},
       {W(names), fun() -> Ref(line("mon ~s name ~s", [P(), Name()])) end},
       {W(names), fun() -> line("sendname ~s ~s ~s", [P(), Name(), Text()]) end},
       {W(freezing), fun() -> line("~s ~s", [pick(["freeze", "freeze", "thaw"]), P()]) end},
       {W(aliases), fun() -> Ref(line("alias ~s ~s", [P(), pick(["explicit", "reply"])])) end},
       {W(aliases), fun() -> Ref(line("amon ~s ~s ~s", [P(), P(), pick(["explicit", "demonitor", "reply_demonitor"])])) end},
       {W(aliases), fun() -> line("unalias ~s ~s", [P(), M()]) end},
       {2 * W(aliases), fun() -> line("asend ~s ~s", [M(), Text()]) end}]).

%% Of one process by another; one of them is taken back.
two_monitors(P, Q, First, Second) ->
    line("mon ~s ~s\nmon ~s ~s\ndemon ~s m~b", [P, Q, P, Q, P, pick([First, Second])]).

%% ---- trees ----

-record(tree, {lines = [],    % newest first
               sups = [],     % {Name, sup | dyn | simple, Parent}
               never = [],    % those without auto-shutdown
               workers = [],  % {Name, Parent}
               specs = []}).

strategy() ->
    pick(["one_for_one", "one_for_all", "rest_for_one"]).

auto() ->
    pick(["never", "never", "any", "all"]).

add(Line, Tree) ->
    Tree#tree{lines = [Line | Tree#tree.lines]}.

trees() ->
    {Root, Never} = root(),
    Start = #tree{lines = [Root], sups = [{"root", sup, none}], never = Never},
    Tree = lists:foldl(fun grow/2, Start, lists:seq(1, between(1, 10))),
    Whole = lists:foldl(fun(N, T) -> add_spec(N, T) end, Tree, lists:seq(1, between(0, 4))),
    lists:reverse(Whole#tree.lines) ++ times(1, pick([6, 14, 30]), fun(_) -> tree_command(Whole) end).

%% Most live long, so that something happens below. Its line, and itself if it has no auto-shutdown.
root() ->
    Auto = pick(["never", "never", auto()]),
    {line("sup root strategy=~s intensity=~b period=5 auto=~s", [strategy(), pick([between(0, 5), 9, 30]), Auto]),
     ["root" || Auto =:= "never"]}.

grow(N, Tree) ->
    Parent = pick([Name || {Name, sup, _} <- Tree#tree.sups]),
    choose([{4, fun() -> add_sup(N, Parent, Tree) end},
            {1, fun() -> add_dyn(N, Parent, Tree) end},
            {1, fun() -> add_simple(N, Parent, Tree) end},
            {11, fun() -> add_worker(N, Parent, Tree) end}]).

add_sup(N, Parent, Tree) ->
    Name = line("s~b", [N]),
    Auto = auto(),
    Line = line("sup ~s parent=~s strategy=~s intensity=~b period=5 auto=~s~s",
                [Name, Parent, strategy(), between(0, 4), Auto, child_options(infinity, Parent, Tree)]),
    add(Line, Tree#tree{sups = [{Name, sup, Parent} | Tree#tree.sups],
                        never = [Name || Auto =:= "never"] ++ Tree#tree.never}).

add_dyn(N, Parent, Tree) ->
    Name = line("d~b", [N]),
    Line = line("dyn ~s parent=~s intensity=~b period=5~s~s",
                [Name, Parent, between(0, 4), pick(["", "", " max=2", " max=0", " max=1"]), child_options(infinity, Parent, Tree)]),
    add(Line, Tree#tree{sups = [{Name, dyn, Parent} | Tree#tree.sups]}).

add_simple(N, Parent, Tree) ->
    Name = line("i~b", [N]),
    Line = line("simple ~s parent=~s intensity=~b period=5 crestart=~s cshutdown=~s~s",
                [Name, Parent, between(0, 4), pick(["permanent", "transient", "temporary"]),
                 pick(["20", "1000", "brutal_kill"]), child_options(infinity, Parent, Tree)]),
    add(Line, Tree#tree{sups = [{Name, simple, Parent} | Tree#tree.sups]}).

add_worker(N, Parent, Tree) ->
    Name = line("w~b", [N]),
    Line = line("wrk ~s parent=~s~s", [Name, Parent, worker_options(Parent, Tree)]),
    add(Line, Tree#tree{workers = [{Name, Parent} | Tree#tree.workers]}).

add_spec(N, Tree) ->
    Name = line("x~b", [N]),
    add(line("spec ~s~s", [Name, worker_options("root", Tree)]), Tree#tree{specs = [Name | Tree#tree.specs]}).

%% A significant child that is permanent, or under a supervisor that never shuts down by itself, is refused: mostly not.
child_options(Shutdown, Parent, Tree) ->
    Restart = pick(["", " restart=permanent", " restart=transient", " restart=transient", " restart=temporary"]),
    Refused = lists:member(Restart, ["", " restart=permanent"]) orelse lists:member(Parent, Tree#tree.never),
    Significant = case chance(case Refused of true -> 1; false -> 40 end) of true -> " sig=1"; false -> "" end,
    Stop = case Shutdown of
               infinity -> pick(["", "", "", " shutdown=brutal_kill", " shutdown=2000", " shutdown=infinity"]);
               Text -> Text
           end,
    Restart ++ Stop ++ Significant.

%% A stubborn worker must be killed, soon; a slow one takes 60 ms.
worker_options(Parent, Tree) ->
    Kind = pick(["", "plain", "plain", "trap", "trap", "odd", "clean", "slow", "stubborn"]),
    Stop = case Kind of
               "stubborn" -> pick([" shutdown=20", " shutdown=10", " shutdown=brutal_kill", " shutdown=0"]);
               "slow" -> pick(["", " shutdown=20", " shutdown=1000", " shutdown=infinity", " shutdown=brutal_kill"]);
               "plain" -> pick(["", " shutdown=1000", " shutdown=infinity", " shutdown=brutal_kill", " shutdown=0"]);
               _ -> pick(["", " shutdown=1000", " shutdown=infinity", " shutdown=brutal_kill"])
           end,
    Plan = case chance(35) of true -> " plan=" ++ plan(); false -> "" end,
    case Kind of "" -> ""; _ -> " kind=" ++ Kind end ++ Plan ++ child_options(Stop, Parent, Tree).

%% The first start works, mostly: a tree that does not stand teaches little.
plan() ->
    First = case chance(85) of true -> "ok"; false -> pick(["ignore", "error", "exit", "bad"]) end,
    lists:flatten(lists:join(",", [First | times(0, 4, fun(_) -> pick(["ok", "ok", "ignore", "error", "exit", "bad"]) end)])).

reason() ->
    pick(["normal", "shutdown", "kill", "oops", "oops", "oops", "shutdown:x", "killed"]).

tree_command(#tree{sups = Sups, workers = Workers, specs = Specs} = Tree) ->
    Supervisor = fun() -> {Name, _, _} = pick(Sups), Name end,
    Leaves = [Name || {Name, _} <- Workers] ++ Specs,
    Mortal = [Name || {Name, _, _} <- Sups, Name =/= "root" orelse chance(10)],
    choose(
      [{8 * length(lists:sublist(Leaves, 1)), fun() -> line("die ~s ~s", [pick(Leaves), reason()]) end},
       {4, fun() -> multi(Tree) end},
       {4, fun() -> line("signal ~s ~s", [pick([pick(All) || All <- [Mortal, Leaves], All =/= []] ++ ["root" || Mortal ++ Leaves =:= []]), reason()]) end},
       {length(lists:sublist(Mortal, 1)), fun() -> line("stop ~s ~s", [pick(Mortal), reason()]) end},
       {6, fun() -> start(Tree) end},
       {5, fun() -> {S, X} = member(Tree), line("term ~s ~s", [S, X]) end},
       {3, fun() -> {S, X} = member(Tree), line("restart ~s ~s", [S, X]) end},
       {2, fun() -> {S, X} = member(Tree), line("delete ~s ~s", [S, X]) end},
       {3, fun() -> line("which ~s", [Supervisor()]) end},
       {2, fun() -> line("count ~s", [Supervisor()]) end}]).

%% A child with its supervisor, mostly.
member(#tree{sups = Sups, workers = Workers, specs = Specs}) ->
    Pairs = [{Parent, Name} || {Name, _, Parent} <- Sups, Parent =/= none] ++ [{Parent, Name} || {Name, Parent} <- Workers],
    Loose = [{Name, Spec} || {Name, _, _} <- Sups, Spec <- Specs],
    Strange = [{Name, X} || {Name, _, _} <- Sups, {X, _} <- Workers],
    pick([pick(All) || All <- [Pairs, Pairs, Loose, Loose, Strange], All =/= []] ++ [{"root", "nobody"}]).

%% A restart that is ignored under a simple supervisor is left out: OTP 25 keeps a child that does not exist (S1F-08).
start(#tree{lines = Lines, sups = Sups, workers = Workers, specs = Specs}) ->
    {Name, Kind, _} = pick(Sups),
    All = Specs ++ Specs ++ Specs ++ [Worker || {Worker, _} <- Workers],
    Leaves = [Leaf || Leaf <- All, Kind =/= simple orelse not ignores(Leaf, Lines)],
    Nodes = [Sup || Kind =:= sup, {Sup, _, _} <- Sups, Sup =/= "root"],
    case Leaves ++ Nodes of
        [] -> line("which ~s", [Name]);
        Any -> line("start ~s ~s", [Name, pick(Any)])
    end.

ignores(Name, Lines) ->
    lists:any(fun(Line) -> string:find(Line, " " ++ Name ++ " ") =/= nomatch andalso string:find(Line, ",ignore") =/= nomatch end,
              Lines).

multi(#tree{workers = [], sups = Sups}) ->
    {Name, _, _} = pick(Sups),
    line("count ~s", [Name]);
multi(#tree{workers = Workers, specs = Specs}) ->
    {_, Parent} = pick(Workers),
    All = [Name || {Name, P} <- Workers, P =:= Parent] ++ [Spec || Spec <- Specs, chance(30)],
    Shuffled = [Name || {_, Name} <- lists:sort([{rand:uniform(), Name} || Name <- All])],
    line("multi~s", [[[" ", Name, "/", reason()] || Name <- lists:sublist(Shuffled, between(1, 4))]]).

%% ---- restarts that fail, and deaths at the same time ----

retries() ->
    {Root, Never} = root(),
    Sups = ["root" | times(0, 2, fun(N) -> line("s~b", [N]) end)],
    Tree = #tree{never = Never ++ Sups},
    Workers = times(2, 6, fun(N) -> {line("w~b", [N]), pick(Sups)} end),
    [Root] ++
        [line("sup ~s parent=~s strategy=~s intensity=~b period=5 auto=~s~s",
              [Name, pick(["root", "root" | lists:sublist(Sups, N)]), strategy(), between(0, 6), auto(),
               child_options(infinity, "root", Tree)])
         || {N, Name} <- lists:enumerate(tl(Sups))] ++
        [line("wrk ~s parent=~s kind=~s plan=~s restart=~s",
              [Name, Parent, pick(["plain", "plain", "trap", "odd", "clean"]), failing_plan(),
               pick(["permanent", "permanent", "transient", "temporary"])])
         || {Name, Parent} <- Workers] ++
        times(1, 8, fun(_) -> retry_command(Sups, Workers) end).

failing_plan() ->
    lists:flatten(lists:join(",", ["ok" | times(0, 8, fun(_) -> pick(["ok", "ok", "ok", "error", "exit", "bad", "ignore"]) end)])).

retry_command(Sups, Workers) ->
    Tree = #tree{sups = [{Name, sup, none} || Name <- Sups], workers = Workers},
    choose([{6, fun() -> {Name, _} = pick(Workers), line("die ~s ~s", [Name, reason()]) end},
            {8, fun() -> multi(Tree) end},
            {1, fun() -> line("signal ~s kill", [pick(Sups)]) end},
            {2, fun() -> {Name, Parent} = pick(Workers), line("~s ~s ~s", [pick(["term", "restart", "start", "delete"]), Parent, Name]) end},
            {2, fun() -> line("~s ~s", [pick(["which", "count"]), pick(Sups)]) end}]).

%% ---- automatic shutdown ----

ends() ->
    Sups = ["root" | ["s" || chance(50)]],
    Workers = times(3, 7, fun(N) -> {line("w~b", [N]), pick(Sups)} end),
    Restart = fun() -> pick(["transient", "transient", "temporary"]) end,
    Tree = #tree{sups = [{Name, sup, none} || Name <- Sups], workers = Workers},
    [line("sup root strategy=~s intensity=9 period=5 auto=~s", [strategy(), pick(["any", "all", "all"])])] ++
        [line("sup s parent=root strategy=~s intensity=3 period=5 auto=~s restart=~s sig=~b",
              [strategy(), pick(["any", "all", "all"]), Restart(), between(0, 1)]) || length(Sups) > 1] ++
        [line("wrk ~s parent=~s restart=~s sig=~b plan=~s", [Name, Parent, Restart(), between(0, 1), pick(["ok", "ok", "ignore", "ok,ignore", "ok,error,ok"])])
         || {Name, Parent} <- Workers] ++
        times(3, 14, fun(_) -> end_command(Tree) end).

end_command(#tree{sups = Sups, workers = Workers} = Tree) ->
    {Name, Parent} = pick(Workers),
    choose([{6, fun() -> line("die ~s ~s", [Name, pick(["normal", "shutdown", "shutdown:x", "oops"])]) end},
            {2, fun() -> multi(Tree) end},
            {3, fun() -> line("~s ~s ~s", [pick(["term", "restart", "delete", "start"]), Parent, Name]) end},
            {1, fun() -> {Sup, _, _} = pick(Sups), line("which ~s", [Sup]) end}]).

%% ---- children without ids ----

%% See start/1 on what is ignored under a simple supervisor.
crowd() ->
    Own = [{"d", "x", ["ok", "error", "exit", "bad", "ignore"]}, {"i", "y", ["ok", "ok", "error", "exit", "bad"]}],
    Specs = lists:append([times(1, 3, fun(N) -> {Sup, line("~s~b", [Letter, N]), Plan} end) || {Sup, Letter, Plan} <- Own]),
    {Root, Never} = root(),
    Tree = #tree{never = Never},
    [Root,
     line("dyn d parent=root intensity=~b period=5~s~s",
          [between(0, 6), pick(["", " max=3", " max=5"]), child_options(infinity, "root", Tree)]),
     line("simple i parent=root intensity=~b period=5 crestart=~s cshutdown=~s~s",
          [between(0, 6), pick(["permanent", "transient", "temporary"]), pick(["20", "1000", "brutal_kill"]),
           child_options(infinity, "root", Tree)])] ++
        ["wrk w parent=root" || chance(30)] ++
        [line("spec ~s~s plan=~s", [Name, worker_options("root", Tree), lists:flatten(lists:join(",", times(1, 6, fun(_) -> pick(["ok", "ok" | Plan]) end)))])
         || {_, Name, Plan} <- Specs] ++
        lists:append(times(4, 30, fun(_) -> crowd_command(Specs) end)).

crowd_command(Specs) ->
    {Sup, Name, _} = pick(Specs),
    Same = [{Other, Sup} || {S, Other, _} <- Specs, S =:= Sup],
    choose([{8, fun() -> [line("start ~s ~s", [Sup, Name])] end},
            {3, fun() -> [line("die ~s ~s", [Name, reason()])] end},
            {3, fun() -> [multi(#tree{workers = Same, sups = [{Sup, sup, none}]})] end},
            {3, fun() -> [line("term ~s ~s", [Sup, Name])] end},
            {1, fun() -> [line("~s ~s ~s", [pick(["restart", "delete"]), Sup, Name])] end},
            {1, fun() -> [line("signal ~s ~s", [pick([Sup, Name]), reason()])] end},
            {1, fun() -> [line("stop ~s ~s", [Sup, reason()])] end},
            {4, fun() -> [line("~s ~s", [pick(["which", "count"]), Sup])] end},
            {1, fun() -> [line("term root ~s", [Sup]), line("restart root ~s", [Sup])] end}]).

%% ---- windows of time ----

%% Restarts stay well within the quarters of a second, so that what the scenario takes by itself does not matter.
windows() ->
    Root = line("sup root strategy=~s intensity=~b period=~b auto=never", [strategy(), between(1, 4), between(1, 3)]),
    {Inner, Start, Mortal} = pick([{[], [], []},
                                   {[line("dyn d parent=root ~s", [window_options()])], ["start d x"], ["x"]},
                                   {[line("simple i parent=root ~s crestart=permanent cshutdown=1000", [window_options()])],
                                    ["start i x", "start i x"], ["x"]},
                                   {[line("sup s parent=root strategy=~s ~s", [strategy(), window_options()]),
                                     "wrk u parent=s plan=" ++ window_plan(), "wrk v parent=s"], [], ["u", "v"]}]),
    Workers = times(1, 3, fun(N) -> line("w~b", [N]) end),
    [Root] ++ Inner ++ [line("wrk ~s parent=root plan=~s", [Worker, window_plan()]) || Worker <- Workers] ++ ["spec x"] ++ Start ++
        ["align 200" | lists:append(times(2, 8, fun(_) -> window(Workers, Mortal) end))].

window_options() ->
    line("intensity=~b period=~b", [between(1, 3), between(1, 2)]).

window_plan() ->
    pick(["ok", "ok", "ok,error", "ok,ok,error", "ok,ok,bad"]).

window(Workers, Mortal) ->
    [line("sleep ~b", [pick([500, 500, 1000, 1500, 2000])]) || chance(60)] ++
        [pick([line("die ~s oops", [pick(pick([Workers | [Mortal || Mortal =/= []]]))]),
               "multi" ++ lists:append([line(" ~s/oops", [Worker]) || Worker <- Workers])]),
         "which root"].
