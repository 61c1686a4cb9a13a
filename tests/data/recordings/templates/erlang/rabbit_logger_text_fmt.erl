%% RabbitMQ's text format, with @@PLACE@@ before each event. Most events come through rabbit_log, which does not
%% hand on where it was called; there the format string, of which each statement has its own, is the place.
-module(rabbit_logger_text_fmt).
-export([format/2]).

format(#{level := Level, msg := Msg, meta := Meta}, _Config) ->
    Prefix = [time(Meta), " [", atom_to_list(Level), "] ", pid(Meta), " "],
    [First | Rest] = string:split(text(Msg, Meta), "\n", all),
    Marked = ["@@", place(Msg, Meta), "@@", Prefix, First, "\n"],
    unicode:characters_to_binary([Marked, [[Prefix, Line, "\n"] || Line <- Rest]]).

time(#{time := Time}) ->
    calendar:system_time_to_rfc3339(Time, [{unit, microsecond}, {offset, "Z"}, {time_designator, $\s}]).

pid(#{pid := Pid}) when is_pid(Pid) -> pid_to_list(Pid);
pid(_) -> "<0.0.0>".

text({string, Text}, _) -> unicode:characters_to_list(Text);
text({report, Report}, #{report_cb := Callback}) when is_function(Callback, 1) ->
    text(Callback(Report), #{});
text({report, Report}, #{report_cb := Callback}) when is_function(Callback, 2) ->
    unicode:characters_to_list(Callback(Report, #{depth => 30, chars_limit => 8000, single_line => false}));
text({report, Report}, _) -> text(logger:format_report(Report), #{});
text({Format, Arguments}, _) -> unicode:characters_to_list(io_lib:format(Format, Arguments)).

place(_, #{file := File, line := Line}) ->
    [filename:basename(unicode:characters_to_list(File)), ":", integer_to_list(Line)];
place({string, Text}, Meta) -> place({unicode:characters_to_list(Text), []}, Meta);
place({report, #{format := Format}}, Meta) -> place({Format, []}, Meta);
place({report, #{label := Label}}, _) -> ["report:", slug(io_lib:format("~p", [Label]))];
place({report, _}, _) -> "report:other";
place({Format, _}, _) ->
    Text = unicode:characters_to_list(Format),
    ["format:", slug(lists:sublist(Text, 60)), ":", integer_to_list(erlang:phash2(Text))].

slug(Text) -> re:replace(Text, "[^~A-Za-z0-9]+", "_", [global, {return, list}]).
