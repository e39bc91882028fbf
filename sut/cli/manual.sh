#!/bin/sh
# Makes what `make install` installs about a program from what the program says of itself with --help, so that it cannot get stale:
#   manual.sh man  PROGRAM SECTION TEXT    a man page; TEXT has its other parts, with @OPTIONS@ and @COMMANDS@ where they belong
#   manual.sh bash PROGRAM                 completion for bash
#   manual.sh zsh  PROGRAM                 completion for zsh
# Of a program whose commands have a --help of their own (`PROGRAM help COMMAND`), those are read, too. Options are the lines
# that begin with one, with two blanks before what is said of them; commands are lines with a word of small letters in the same place.
set -eu
[ $# -ge 2 ] || { echo 'usage: manual.sh man|bash|zsh PROGRAM [SECTION TEXT]' >&2; exit 2; }
[ -x "$2" ] || { echo "manual.sh: $2 is no program" >&2; exit 2; }
what=$1 program=$2 name=$(basename "$2") section=${3:-} text=${4:-}

# One line for each: "o <tab> --long <tab> VALUE <tab> about <tab> -s <tab> COMMAND", "c <tab> name <tab> words <tab> about".
facts() {
    awk -v of="$1" '
        function told() { if (line != "") print line about tail; line = about = tail = "" }
        /^  (-[a-zA-Z], )?--[a-z]/ {
            told(); s = $0; sub(/^  /, "", s); short = ""
            if (s ~ /^-[a-zA-Z], /) { short = substr(s, 1, 2); s = substr(s, 5) }
            while (match(s, /^--[a-z-]+, --/)) { # two without a word, in one line
                one = s; sub(/,.*/, "", one); print "o\t" one "\t\t\t\t" of; sub(/^[^,]*, /, "", s) }
            match(s, /^--[a-z-]+/); long = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1)
            value = ""
            if (s ~ /^ [^ ]/) { sub(/^ /, "", s); match(s, /^[^ ]+/); value = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1) }
            sub(/^ +/, "", s); line = "o\t" long "\t" value "\t"; about = s; tail = "\t" short "\t" of; next }
        /^  [a-z]+ / && !options && of == "" {
            told(); s = $0; sub(/^  /, "", s); match(s, /^[a-z]+/); cmd = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1)
            words = ""; if (s !~ /^  +/ || 1) { sub(/^ +/, "", s) }
            if (match(s, /^[^a-z].*  +/) && s ~ /^[\[A-Z]/) { words = s; about = s; sub(/  +.*/, "", words); sub(/^.*  +/, "", about)
                if (words ~ / [a-z]+ [a-z]+ /) { i = index(s, "] "); } }
            else if (s ~ /^[\[A-Z][^ ]*( \[[^]]*\])? [a-z]/) { match(s, /^[\[A-Z][^ ]*( \[[^]]*\])?/); words = substr(s, 1, RLENGTH); about = substr(s, RLENGTH + 2) }
            else about = s
            line = "c\t" cmd "\t" words "\t"; tail = ""; next }
        /^                    +[^ ]/ && line != "" { s = $0; sub(/^ +/, "", s); about = about " " s; next }
        { told() }
        END { told() }'
}

all_facts() {
    "$program" --help | facts ''
    "$program" --help | awk '/^commands:$/ { in_them = 1; next } in_them && /^  [a-z]+ / { print $1; next } { in_them = 0 }' |
        while read -r command; do "$program" help "$command" | facts "$command"; done
}

options_of() { all_facts | awk -F '\t' -v of="${1-*}" '$1 == "o" && (of == "*" || $6 == of) && !seen[$2]++'; }
commands() { all_facts | awk -F '\t' '$1 == "c" && !seen[$2]++'; }

escaped() { sed 's/\\/\\e/g; s/-/\\-/g'; }

man_options() { # [COMMAND]
    options_of "$@" | escaped | awk -F '\t' '{
        printf ".TP\n"
        printf "\\fB%s%s\\fR%s\n", $5 == "" ? "" : $5 "\\fR, \\fB", $2, $3 == "" ? "" : " \\fI" $3 "\\fR"
        print toupper(substr($4, 1, 1)) substr($4, 2) "." }'
}

man_commands() {
    commands | escaped | awk -F '\t' '{
        printf ".TP\n\\fB%s\\fR%s\n%s.\n", $2, $3 == "" ? "" : " \\fI" $3 "\\fR", toupper(substr($4, 1, 1)) substr($4, 2) }'
    commands | cut -f 2 | while read -r command; do
        [ -n "$(options_of "$command")" ] || continue
        printf '.SS "Options of %s"\n' "$command"
        man_options "$command"
    done
}

man_page() {
    version=$("$program" --version | awk '{ sub(/,$/, "", $2); print $2; exit }')
    printf '.TH %s %s "" "%s %s" ""\n' "$(printf %s "$name" | tr a-z A-Z)" "$section" "$name" "$version"
    while IFS= read -r line; do
        case $line in
        @OPTIONS@) man_options '' ;;
        @COMMANDS@) man_commands ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$text"
}

# What a value is: files, directories, one of some words, or anything.
bash_values() {
    options_of | awk -F '\t' -v q="'" '$3 != "" {
        act = "COMPREPLY=()"
        if ($3 ~ /FILE|PATH/) act = "COMPREPLY=($(compgen -f -- \"$word\"))"
        else if ($3 ~ /DIR/) act = "COMPREPLY=($(compgen -d -- \"$word\"))"
        else if ($3 ~ /^[a-z]+([|][a-z]+)+$/) { gsub(/[|]/, " ", $3); act = "COMPREPLY=($(compgen -W " q $3 q " -- \"$word\"))" }
        printf "    %s) %s; return ;;\n", $2 ($5 == "" ? "" : " | " $5), act }'
}

bash_completion() {
    words=$(options_of | cut -f 2 | tr '\n' ' ') known=$(commands | cut -f 2 | tr '\n' ' ')
    cat <<E
# bash completion for $name, made from its --help
_$name() {
    local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
    compopt -o filenames 2>/dev/null
    case \$before in
$(bash_values)
    esac
    case \$word in
    -*) COMPREPLY=(\$(compgen -W '$words' -- "\$word")) ;;
    *) COMPREPLY=(\$(compgen -W '$known' -- "\$word") \$(compgen -f -- "\$word")) ;;
    esac
}
complete -F _$name $name
E
}

quoted() { sed "s/'/'\\\\''/g; s/\\[/(/g; s/\\]/)/g; s/:/\\\\:/g"; }

zsh_completion() {
    printf '#compdef %s\n# zsh completion for %s, made from its --help\n_arguments -s \\\n' "$name" "$name"
    options_of | quoted | awk -F '\t' -v q="'" '{
        action = ""
        if ($3 != "") {
            values = $3; gsub(/\|/, " ", values)
            action = ":" $3 ":" ($3 ~ /FILE|PATH/ ? "_files" : $3 ~ /DIR/ ? "_files -/" : $3 ~ /^[a-z]+(\|[a-z]+)+$/ ? "(" values ")" : " ") }
        printf "    %s*%s[%s]%s%s \\\n", q, $2, $4, action, q }'
    if [ -n "$(commands)" ]; then
        printf "    '1:command:((%s))' \\\\\n" "$(commands | quoted | awk -F '\t' '{ gsub(/[^a-zA-Z0-9 ,.-]/, "", $4); gsub(/ /, "\\ ", $4); printf "%s%s\\:%s", (NR > 1 ? " " : ""), $2, $4 }')"
    fi
    printf "    '*:argument:_files'\n"
}

case $what in
man) man_page ;;
bash) bash_completion ;;
zsh) zsh_completion ;;
*) echo "manual.sh: '$what' is neither man, bash nor zsh" >&2; exit 2 ;;
esac
