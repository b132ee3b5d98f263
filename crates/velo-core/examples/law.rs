//! Prints `js/engine/border/law.ts`, the numbers both languages share, or, asked for `codes`, `js/kit/codes.ts`.
//!
//! Run: `cargo run -p velo-core --example law [codes]`. `npm run check` fails when one of the files has drifted.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use velo_core::code::Code;
use velo_core::life::{Life, LifeTrigger};
use velo_core::machine::{Effects, Reason, State, Trigger};
use velo_core::row::{CLOCK, PAGE_ROWS, ROW_WORDS, Word};
use velo_core::sample::SAMPLE_EVERY;
use velo_core::signal::{End, Refusal, Side, Timer, Trouble, Verdict};

macro_rules! group {
    ($type:ident, $doc:literal) => {
        table(stringify!($type), $doc, $type::ALL.iter().map(|value| (value.name(), (*value as i64).to_string())))
    };
}

fn main() -> io::Result<()> {
    let file = if std::env::args().nth(1).as_deref() == Some("codes") { codes() } else { law() };
    io::stdout().write_all(file.as_bytes())
}

fn codes() -> String {
    let retryable = Code::ALL.iter().map(|code| (code.as_str(), format!("{{ retryable: {} }}", code.retryable())));
    [
        "// The error codes of both languages. Generated from crates/velo-core; do not edit.\n".to_owned(),
        "// Command: cargo run -p velo-core --example law codes > js/kit/codes.ts\n".to_owned(),
        table("codes", "Every error code.", retryable),
    ]
    .concat()
}

fn law() -> String {
    let effects = Effects::ALL.iter().map(|(name, effect)| (*name, effect.bits().to_string()));
    [
        "// The numbers both languages share. Generated from crates/velo-core; do not edit.\n".to_owned(),
        "// Command: cargo run -p velo-core --example law > js/engine/border/law.ts\n".to_owned(),
        number("ROW_WORDS", "64-bit words of a row of the control block.", ROW_WORDS),
        number("PAGE_ROWS", "Rows of a page.", PAGE_ROWS),
        number("CLOCK", "Word of the first page that holds the coarse clock, ms.", CLOCK),
        number("SAMPLE_EVERY", "One event in this many is timed.", SAMPLE_EVERY),
        group!(Word, "Offsets inside a row."),
        group!(State, "Where a stream is in its life."),
        group!(Reason, "Why a stream ended, or is about to."),
        group!(Trigger, "What happens to a stream: second argument of `step`."),
        table("Effect", "What a transition asks for; bits of the answer of `step`.", effects),
        group!(Life, "Where a generator is in its life; from `Releasing` on it has finished."),
        group!(LifeTrigger, "What happens to a generator."),
        number("LIFE_TRIGGERS", "How many inputs there are: the width of `NEXT_LIFE`.", LifeTrigger::ALL.len()),
        lives(),
        group!(Timer, "Timers of a stream."),
        group!(Verdict, "First word of a verdict."),
        group!(Trouble, "What a verdict of trouble is about: its second word."),
        group!(Side, "Second argument of `grant`."),
        group!(End, "Second argument of `join` and `part`."),
        group!(Refusal, "Answers of `open` that are no slot."),
    ]
    .concat()
}

fn number(name: &str, doc: &str, value: usize) -> String {
    format!("\n/** {doc} */\nexport const {name} = {value}\n")
}

fn table<'a>(name: &str, doc: &str, rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let body = rows.fold(String::new(), |mut body, (key, value)| {
        // Writing to a String cannot fail.
        let _ = writeln!(body, "  {key}: {value},");
        body
    });
    format!("\n/** {doc} */\nexport const {name} = {{\n{body}}} as const\n")
}

/// The table of a generator's life, a line for each state.
fn lives() -> String {
    let lines = Life::ALL.iter().map(|life| {
        let next = LifeTrigger::ALL.iter().map(|input| life.step(*input).map_or(-1, |next| next as i32).to_string());
        format!("  {}, // {}\n", next.collect::<Vec<_>>().join(", "), life.name())
    });
    let doc = "The next life, at `life * LIFE_TRIGGERS + input`; -1 where the input is illegal.";
    format!("\n/** {doc} */\nexport const NEXT_LIFE: readonly number[] = [\n{}]\n", lines.collect::<String>())
}
