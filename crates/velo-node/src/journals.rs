//! The calls of journals: submissions in, answers out, a turn of JavaScript each.
//!
//! Owns: which journals an isolate has open. Not here: what commands and answers say (`velo_journal::wire`).

use crate::isolate::Isolate;
use crate::picture::JournalPicture;
use crate::raw::{Call, Reply};
use crate::status::{Result, bug, error, guarded};
use napi::bindgen_prelude::{Buffer, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;
use velo_core::code::Code;
use velo_journal::{Client, Options, Refused, Sync};
use velo_runtime::Bell as _;

/// How long the end of an isolate waits for the folder to be given back. What is not done by then is as after a kill: nothing that was
/// answered is lost.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// The journals of one isolate, by handle.
#[derive(Default)]
pub(crate) struct Journals {
    open: HashMap<u32, Client>,
    /// The handle given last.
    last: u32,
}

impl Journals {
    /// The isolate ends.
    pub(crate) fn close(&mut self) {
        for (_, client) in self.open.drain() {
            client.close_within(CLOSE_LIMIT);
        }
    }
}

/// Opens a journal; answers its handle. What fails about the folder is told to the commands.
#[napi(catch_unwind)]
pub fn journal_open(env: Env, path: String, synced: bool, create: bool) -> Result<u32> {
    guarded(|| {
        let isolate = Isolate::of(&env)?;
        let bell = Arc::clone(&isolate.bell);
        let sync = if synced { Sync::Disk } else { Sync::Process };
        let options = Options { path: PathBuf::from(path), sync, create, fault: None };
        let client = Client::open(&options, Box::new(move || bell.ring()));
        let client = client.map_err(|failure| error(Code::Checkpoint, failure))?;
        let mut journals = isolate.journals.borrow_mut();
        journals.last += 1;
        let handle = journals.last;
        journals.open.insert(handle, client);
        Ok(handle)
    })
}

/// Answers that have come to a journal; none once it is forgotten.
#[napi(catch_unwind)]
pub fn journal_take(env: Env, handle: u32) -> Result<Buffer> {
    guarded(|| {
        let journals = Isolate::of(&env)?.journals.borrow();
        Ok(journals.open.get(&handle).map(Client::take).unwrap_or_default().into())
    })
}

/// Closes a journal: the command `id` is answered when everything before is done.
#[napi(catch_unwind)]
pub fn journal_close(env: Env, handle: u32, id: u32) -> Result<()> {
    guarded(|| {
        let mut journals = Isolate::of(&env)?.journals.borrow_mut();
        journals.open.get_mut(&handle).into_iter().for_each(|client| client.close(id));
        Ok(())
    })
}

/// Forgets a journal that was closed.
#[napi(catch_unwind)]
pub fn journal_forget(env: Env, handle: u32) -> Result<()> {
    guarded(|| {
        Isolate::of(&env)?.journals.borrow_mut().open.remove(&handle);
        Ok(())
    })
}

/// What the writer of a journal counted.
#[napi(catch_unwind, ts_return_type = "object")]
pub fn journal_metrics(env: &Env, handle: u32) -> Result<Unknown<'_>> {
    guarded(|| {
        let journals = Isolate::of(env)?.journals.borrow();
        let counted = journals.open.get(&handle).map(Client::metrics).unwrap_or_default();
        // Whoever asks knows the path.
        env.to_js_value(&JournalPicture::new(Path::new(""), &counted)).map_err(bug)
    })
}

/// Gives commands to the writer: 1 taken, 0 no room (the bell rings when there is some), -1 closed.
pub(crate) fn submit(call: &Call<'_>) -> Reply {
    let (handle, size) = (call.index::<0>(), call.count::<2>());
    let memory = call.array(1, sys::TypedarrayType::uint8_array).zip(usize::try_from(size).ok());
    let Some(((data, _), length)) = memory.filter(|((_, room), size)| size <= room) else {
        return Reply::Bug(c"journalSubmit(journal, memory, size): expected a Uint8Array of at least `size` bytes");
    };
    let mut commands = Vec::<u8>::with_capacity(length);
    // SAFETY: `data` points to `length` bytes of an array of this isolate, and nothing runs there meanwhile.
    unsafe { ptr::copy_nonoverlapping(data.cast(), commands.as_mut_ptr(), length) };
    // SAFETY: the bytes were written a moment ago.
    unsafe { commands.set_len(length) };
    let journals = call.isolate.journals.borrow();
    Reply::Number(match journals.open.get(&handle).map(|client| client.submit(commands)) {
        Some(Ok(())) => 1,
        Some(Err(Refused::Full)) => 0,
        _ => -1,
    })
}
