//! The program: hands the arguments, the environment and the clock to the library, and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(dokku_backups::cli::main(std::env::args_os().collect()))
}
