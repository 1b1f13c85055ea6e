"""What ``fst completion`` is told."""

from fst.interfaces.arguments.options import Parser

SHELLS = ("bash", "zsh", "fish")


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst completion",
        "{bash,zsh,fish}",
        "Prints what makes a shell complete the words of fst: commands, options, styles, and "
        "the settings of fst train.",
        (
            'bash, in ~/.bashrc:  eval "$(fst completion bash)"',
            'zsh, in ~/.zshrc:    eval "$(fst completion zsh)"      (after compinit)',
            "fish:                fst completion fish > ~/.config/fish/completions/fst.fish",
        ),
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    return parser
