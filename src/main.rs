//! The `topoc` command.

// a large topology is millions of small values
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    topoc::cli::main()
}
