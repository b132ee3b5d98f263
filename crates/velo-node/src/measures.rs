//! The numbers for a monitoring system: asked for as a whole, now and then.

use crate::isolate::Isolate;
use crate::picture::{JournalPicture, Picture};
use crate::status::{Result, bug, guarded};
use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;
use velo_runtime::OwnNames;

/// All numbers of the process; the latencies spread over these bounds, in microseconds, which ascend. At most so many names of functions are
/// told apart, these among them; the others share the empty name.
#[napi(catch_unwind, ts_return_type = "object")]
pub fn measures(env: &Env, bounds: Vec<f64>, names: Vec<String>, most: u32) -> Result<Unknown<'_>> {
    guarded(|| {
        let own = OwnNames::new(names, most as usize);
        let process = Isolate::of(env)?.runtime.measures(&bounds, &own);
        let journals = JournalPicture::all();
        env.to_js_value(&Picture { process, journals }).map_err(bug)
    })
}

/// Streams of a function have spent so many ms: in line, waiting for an event, a reader, room, a journal, in user code.
#[napi(catch_unwind)]
pub fn spent(env: Env, definition: u32, ms: Vec<f64>) -> Result<()> {
    guarded(|| {
        let mut micros = [0; 6];
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates, NaN becomes 0"
        )]
        micros.iter_mut().zip(ms).for_each(|(micros, ms)| *micros = (ms * 1000.0) as u64);
        Isolate::of(&env)?.runtime.quick(|desk| desk.spent(definition, &micros));
        Ok(())
    })
}
