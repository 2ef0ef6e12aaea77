//! Which server a command speaks of: that of a data directory and a configuration.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::{Config, Overrides};

/// Where a server keeps its things.
#[derive(clap::Args)]
pub struct Place {
    /// The server's data directory
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    pub fn config(self) -> Result<Config, Failure> {
        let overrides = Overrides { data_dir: self.data_dir, ..Overrides::default() };
        Config::load(self.config.as_deref(), &overrides).map_err(Failure::usage)
    }

    pub fn dir(self) -> Result<PathBuf, Failure> {
        self.config()?.data_dir().map_err(Failure::usage)
    }
}

/// The settings of a file, or the defaults.
pub fn configured(file: Option<&Path>) -> Result<Config, Failure> {
    Config::load(file, &Overrides::default()).map_err(Failure::usage)
}
