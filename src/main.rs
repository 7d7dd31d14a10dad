//! The `topoc` command.

fn main() -> std::process::ExitCode {
    topoc::cli::main()
}
