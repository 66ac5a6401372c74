//! A disk that writes down what SQLite asks of it, in order, and can be full or deaf.
//!
//! It stands in front of SQLite's own Unix VFS, so what is written down is what the product does: every write, truncation
//! and deletion, every sync of a file, and (through the VFS's table of system calls) every sync of the directory, without
//! which a new file has no name after a power cut.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem,
    path::{Path, PathBuf},
    ptr, slice,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::ffi::{
    self, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_OK, SQLITE_OPEN_CREATE, sqlite3_file, sqlite3_filename,
    sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
};

/// One thing that was asked of the disk. Files are named without their directory.
#[derive(Debug, Clone)]
pub enum Op {
    Create(String),
    Write { file: String, offset: usize, bytes: Vec<u8> },
    Truncate { file: String, length: usize },
    Sync(String),
    SyncDirectory,
    Delete(String),
}

/// The handle of a registered disk. SQLite keeps a VFS for ever, so it is never freed.
#[derive(Clone, Copy)]
pub struct Disk(&'static Shared);

struct Shared {
    name: CString,
    directory: PathBuf,
    ops: Mutex<Vec<Op>>,
    full: AtomicBool,
    deaf: AtomicBool,
}

type OpenDirectory = unsafe extern "C" fn(*const c_char, *mut c_int) -> c_int;

static REAL_OPEN_DIRECTORY: OnceLock<OpenDirectory> = OnceLock::new();
static DISKS: Mutex<Vec<&'static Shared>> = Mutex::new(Vec::new());

impl Disk {
    /// Registers a disk for the files in `directory`.
    pub fn register(directory: &Path) -> Self {
        let name = format!("disk of {}", directory.display());
        let shared = Shared {
            name: CString::new(name).unwrap(),
            directory: directory.to_owned(),
            ops: Mutex::default(),
            full: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
        };
        let shared: &'static Shared = Box::leak(Box::new(shared));
        DISKS.lock().unwrap().push(shared);
        // SAFETY: the Unix VFS lives as long as the program, and so does the leaked copy that is registered; the copy
        // differs in its name, its data and the functions below, and hands all else to functions that look at neither.
        unsafe {
            let unix = unix();
            REAL_OPEN_DIRECTORY.get_or_init(|| watch_directories(unix));
            let mut vfs = Box::new(*unix);
            vfs.zName = shared.name.as_ptr();
            vfs.pNext = ptr::null_mut();
            vfs.pAppData = ptr::from_ref(shared).cast_mut().cast();
            vfs.szOsFile = c_int::try_from(size_of::<Watched>()).unwrap() + (*unix).szOsFile;
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(vfs), 0), SQLITE_OK);
        }
        Self(shared)
    }

    /// The name under which SQLite knows it.
    pub fn name(&self) -> &'static str {
        self.0.name.to_str().unwrap()
    }

    /// How much was asked so far.
    pub fn len(&self) -> usize {
        self.0.ops.lock().unwrap().len()
    }

    /// Everything that was asked.
    pub fn ops(&self) -> Vec<Op> {
        self.0.ops.lock().unwrap().clone()
    }

    /// Has no space from now on, or has it again.
    pub fn set_full(&self, full: bool) {
        self.0.full.store(full, Ordering::SeqCst);
    }

    /// Fails every sync from now on, or obeys again.
    pub fn set_deaf(&self, deaf: bool) {
        self.0.deaf.store(deaf, Ordering::SeqCst);
    }
}

impl Shared {
    fn push(&self, op: Op) {
        self.ops.lock().unwrap().push(op);
    }
}

/// What SQLite allocates for an open file: this, then the Unix VFS's own.
#[repr(C)]
struct Watched {
    base: sqlite3_file,
    shared: *const Shared,
    name: *mut String,
}

unsafe fn unix() -> *mut sqlite3_vfs {
    // SAFETY: the name is a C string; the VFS is built in.
    let vfs = unsafe {
        ffi::sqlite3_initialize();
        ffi::sqlite3_vfs_find(c"unix".as_ptr())
    };
    assert!(!vfs.is_null());
    vfs
}

/// Puts [`open_directory`] in the place of the Unix VFS's own, and returns that.
unsafe fn watch_directories(unix: *mut sqlite3_vfs) -> OpenDirectory {
    let name = c"openDirectory".as_ptr();
    // SAFETY: the system calls of the Unix VFS are replaced through the functions that it has for this; the types are
    // those of its documentation, `int (*)(const char*, int*)`.
    unsafe {
        let real = ((*unix).xGetSystemCall.unwrap())(unix, name).unwrap();
        let ours = mem::transmute::<OpenDirectory, unsafe extern "C" fn()>(open_directory);
        assert_eq!(((*unix).xSetSystemCall.unwrap())(unix, name, Some(ours)), SQLITE_OK);
        mem::transmute::<unsafe extern "C" fn(), OpenDirectory>(real)
    }
}

/// SQLite opens a directory for one reason only: to sync it.
unsafe extern "C" fn open_directory(path: *const c_char, out: *mut c_int) -> c_int {
    // SAFETY: SQLite passes a C string; the real function gets what this one got.
    unsafe {
        let file = Path::new(CStr::from_ptr(path).to_str().unwrap());
        for disk in DISKS.lock().unwrap().iter().filter(|disk| file.starts_with(&disk.directory)) {
            disk.push(Op::SyncDirectory);
        }
        (REAL_OPEN_DIRECTORY.get().unwrap())(path, out)
    }
}

unsafe fn shared_of(vfs: *mut sqlite3_vfs) -> &'static Shared {
    // SAFETY: `register` put a leaked `Shared` there.
    unsafe { &*(*vfs).pAppData.cast::<Shared>() }
}

unsafe fn file_name(path: *const c_char) -> String {
    // SAFETY: SQLite passes a C string.
    let path = unsafe { CStr::from_ptr(path) };
    Path::new(path.to_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned()
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    path: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: `file` points at `szOsFile` bytes, which begin with a `Watched` and go on with the Unix VFS's file; the path
    // is a C string (the store keeps temporary tables in memory, so it is never null).
    unsafe {
        let (shared, name) = (shared_of(vfs), file_name(path));
        let is_new = flags & SQLITE_OPEN_CREATE != 0 && !shared.directory.join(&name).exists();
        let unix = unix();
        let code = ((*unix).xOpen.unwrap())(unix, path, inner(file), flags, out);
        (*file).pMethods = ptr::null();
        if code == SQLITE_OK {
            if is_new {
                shared.push(Op::Create(name.clone()));
            }
            let watched = file.cast::<Watched>();
            (*watched).shared = shared;
            (*watched).name = Box::into_raw(Box::new(name));
            (*file).pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let (shared, name) = (shared_of(vfs), file_name(path));
        if shared.directory.join(&name).exists() {
            shared.push(Op::Delete(name));
        }
        let unix = unix();
        ((*unix).xDelete.unwrap())(unix, path, sync)
    }
}

/// The Unix VFS's part of an open file.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` has room for both.
    unsafe { file.cast::<u8>().add(size_of::<Watched>()).cast() }
}

unsafe fn watched(file: *mut sqlite3_file) -> (&'static Shared, String) {
    // SAFETY: `open` filled it in, and `close` has not been called yet.
    unsafe {
        let watched = file.cast::<Watched>();
        (&*(*watched).shared, (*(*watched).name).clone())
    }
}

macro_rules! hand_on {
    ($name:ident, $method:ident $(, $argument:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: the Unix VFS's method gets the Unix VFS's file, and otherwise what this one got.
            unsafe {
                let file = inner(file);
                ((*(*file).pMethods).$method.unwrap())(file $(, $argument)*)
            }
        }
    };
}

hand_on!(read, xRead, into: *mut c_void, count: c_int, offset: sqlite3_int64);
hand_on!(real_write, xWrite, from: *const c_void, count: c_int, offset: sqlite3_int64);
hand_on!(real_truncate, xTruncate, size: sqlite3_int64);
hand_on!(real_sync, xSync, flags: c_int);
hand_on!(real_close, xClose);
hand_on!(file_size, xFileSize, size: *mut sqlite3_int64);
hand_on!(lock, xLock, kind: c_int);
hand_on!(unlock, xUnlock, kind: c_int);
hand_on!(check_reserved_lock, xCheckReservedLock, out: *mut c_int);
hand_on!(file_control, xFileControl, op: c_int, argument: *mut c_void);
hand_on!(sector_size, xSectorSize);
hand_on!(device_characteristics, xDeviceCharacteristics);

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    count: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes `count` readable bytes.
    unsafe {
        let (shared, name) = watched(file);
        if shared.full.load(Ordering::SeqCst) {
            return SQLITE_FULL;
        }
        let bytes = slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap()).to_vec();
        shared.push(Op::Write { file: name, offset: usize::try_from(offset).unwrap(), bytes });
        real_write(file, from, count, offset)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: as for `hand_on`.
    unsafe {
        let (shared, name) = watched(file);
        shared.push(Op::Truncate { file: name, length: usize::try_from(size).unwrap() });
        real_truncate(file, size)
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as for `hand_on`.
    unsafe {
        let (shared, name) = watched(file);
        if shared.deaf.load(Ordering::SeqCst) {
            return SQLITE_IOERR_FSYNC;
        }
        shared.push(Op::Sync(name));
        real_sync(file, flags)
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: `open` made the box, and SQLite closes a file once.
    unsafe {
        drop(Box::from_raw((*file.cast::<Watched>()).name));
        real_close(file)
    }
}

/// Version 1: no shared memory, which the store does without because it locks the file for itself.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};
