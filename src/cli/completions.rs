//! `topoc completions`: what a shell needs to complete the command line.

use clap::Args;
use clap_complete::Shell;

use super::{Exit, Outcome, Screen, command};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc completions bash > ~/.local/share/bash-completion/completions/topoc
  topoc completions fish > ~/.config/fish/completions/topoc.fish
  topoc completions zsh > ~/.zfunc/_topoc")]
pub(super) struct Completions {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        // clap_complete panics when it cannot write, so it writes to memory
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "topoc", &mut script);
        screen.out().write_all(&script)?;
        Ok(Exit::Ok)
    }
}
