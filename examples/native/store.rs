//! The store: one file, and a lock on a second file as the lease between processes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A record in a file. A reader finds the old record or the new one, never a part of either.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    folder: PathBuf,
    temporary: PathBuf,
    lock: PathBuf,
}

/// Differs when somebody has written the file in between.
pub(crate) type Version = Option<(SystemTime, u64)>;

impl Store {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "the store is a file",
            ));
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let beside = |end: &str| {
            let mut name = name.to_os_string();
            name.push(end);
            folder.join(name)
        };
        Ok(Self {
            path: path.to_path_buf(),
            temporary: beside(".new"),
            lock: beside(".lock"),
            folder,
        })
    }

    /// What stands in the file; nothing if there is none.
    pub(crate) fn load(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the record; on return it survives a crash. Only the holder of the lock writes, so that one
    /// name is enough for the temporary file.
    pub(crate) fn save(&self, record: &[u8]) -> io::Result<()> {
        let mut file = private().write(true).truncate(true).open(&self.temporary)?;
        file.write_all(record)?;
        file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        sync_folder(&self.folder)
    }

    pub(crate) fn version(&self) -> Version {
        let data = fs::metadata(&self.path).ok()?;
        Some((data.modified().ok()?, file_number(&data)))
    }

    /// Waits until no other process has the lock. It is given up by closing the file; if this process dies,
    /// the system does that. The lock is on a file of its own, because the record's file is replaced.
    pub(crate) fn lock(&self) -> io::Result<File> {
        let file = private().write(true).open(&self.lock)?;
        loop {
            // `File::lock` of the standard library does the same since Rust 1.89.
            match fs4::FileExt::lock(&file) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(file),
            }
        }
    }
}

/// A file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The new name is in the folder, so the folder must reach the disk too.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn file_number(data: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(data)
}

#[cfg(not(unix))]
fn file_number(data: &fs::Metadata) -> u64 {
    data.len()
}
