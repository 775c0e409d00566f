"""Completion scripts, drawn from the same table as the commands."""

from collections.abc import Iterable, Mapping

from bmuid.cli.words import Verb, flag, is_positional, nouns
from bmuid.operations.grammar import Choice
from bmuid.operations.registry import forms

GENERAL = ("--socket", "--json", "--help")

SCRIPT = """\
# Completion of bmadmin; made by `bmadmin completion`, from the operations this bmuid knows.
_bmadmin() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" noun="" verb="" words="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${{COMP_WORDS[i]}}" in
            --socket) ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $noun ]]; then noun="${{COMP_WORDS[i]}}"
                elif [[ -z $verb ]]; then verb="${{COMP_WORDS[i]}}"; fi ;;
        esac
    done
    case "${{COMP_WORDS[COMP_CWORD - 1]}}" in
        --socket | --*-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
    esac
    case "$noun $verb" in
        " ") words="{nouns} completion {general}" ;;
{cases}
        "completion ") words="bash zsh" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [[ ${{#COMPREPLY[@]}} -eq 0 ]]; then COMPREPLY=($(compgen -f -- "$word")); fi
}}
complete -o filenames -F _bmadmin bmadmin
"""


def script(shell: str, commands: Iterable[Verb]) -> str:
    """Give the script for bash, or for zsh by way of its own bash emulation."""
    by_noun = nouns(commands)
    cases = "\n".join(line for noun, verbs in by_noun.items() for line in _cases(noun, verbs))
    text = SCRIPT.format(nouns=" ".join(by_noun), general=" ".join(GENERAL), cases=cases)
    if shell == "zsh":
        return f"#compdef bmadmin\nautoload -U +X bashcompinit && bashcompinit\n{text}"
    return text


def _cases(noun: str, verbs: Mapping[str, Verb]) -> list[str]:
    lines = [f'        "{noun} ") words="{" ".join(verbs)}" ;;']
    for verb, command in verbs.items():
        words = [*GENERAL, *(["--key"] if command.operation.keyed else [])]
        for form in forms(command.operation):
            if not is_positional(form):
                words.append(flag(form))
            if isinstance(form.grammar, Choice):
                words += form.grammar.words
        lines.append(f'        "{noun} {verb}") words="{" ".join(words)}" ;;')
    return lines
