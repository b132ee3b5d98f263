//! Pipelines whose streams take a place at the gate of each of their functions.
//!
//! Owns: that all places are taken at once, or none. A stream that held some while it waits for others could wait for one that
//! holds those and waits for its own. It stands in the line of its pipeline, and counts in the line of every function. Who needs
//! one function alone passes it: a pipeline must not close a function that has room because another one has none.

use crate::desk::Desk;
use velo_core::gate::Place;
use velo_core::signal::Refusal;

/// What a stream of a pipeline did until it was over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    /// It stood in line.
    Waited,
    /// It ran; its functions may still do so.
    Ran { detached: bool },
}

impl Desk {
    /// What the gates of the stages make of the offer of the pipeline's own gate: the least that any of them offers.
    pub(crate) fn offer_stages(&self, function: u32, own: Place) -> Result<Place, Refusal> {
        let Some(known) = self.functions.get(function) else { return Ok(own) };
        let mut offered = own;
        for (stage, count) in &known.stages {
            let Some(stage) = self.functions.get(*stage) else { continue };
            if stage.gate.offer_places(*count)? == Place::Line {
                offered = Place::Line;
            }
        }
        if offered == Place::Line {
            for (stage, _) in &known.stages {
                if let Some(stage) = self.functions.get(*stage) {
                    stage.gate.offer_line()?;
                }
            }
        }
        Ok(offered)
    }

    /// Takes what was offered, at every stage.
    pub(crate) fn enter_stages(&mut self, function: u32, place: Place) {
        self.each_stage(function, |desk, stage, count| {
            let Some(stage) = desk.functions.get_mut(stage) else { return };
            match place {
                Place::Permit => stage.gate.take_places(count),
                Place::Line => {
                    stage.gate.stand();
                    *stage.standing.entry(function).or_insert(0) += 1;
                }
            }
        });
    }

    /// Whether every stage has room for one more stream of the pipeline.
    pub(crate) fn stages_have_room(&self, function: u32) -> bool {
        self.functions.get(function).is_none_or(|known| {
            let mut stages = known.stages.iter();
            stages.all(|(stage, count)| self.functions.get(*stage).is_none_or(|stage| stage.gate.has_places(*count)))
        })
    }

    /// A stream of the pipeline leaves the line with a permit.
    pub(crate) fn admit_stages(&mut self, function: u32) {
        self.leave_stages(function, Over::Waited);
        self.enter_stages(function, Place::Permit);
    }

    /// A stream of the pipeline is over, or leaves the line.
    pub(crate) fn leave_stages(&mut self, function: u32, over: Over) {
        self.each_stage(function, |desk, stage, count| {
            let Some(known) = desk.functions.get_mut(stage) else { return };
            match over {
                Over::Ran { detached } => known.gate.give_places(count, detached),
                Over::Waited => {
                    known.gate.unstand();
                    let left = known.standing.get(&function).copied().unwrap_or_default();
                    if left > 1 {
                        known.standing.insert(function, left - 1);
                    } else {
                        known.standing.remove(&function);
                    }
                }
            }
            desk.list(stage);
            desk.list_standing(stage);
        });
    }

    /// Detached functions of a pipeline have ended after all.
    pub(crate) fn attach_stages(&mut self, function: u32) {
        self.each_stage(function, |desk, stage, count| {
            if let Some(stage) = desk.functions.get_mut(stage) {
                stage.gate.attached(count);
            }
            desk.functions.sweep(stage);
        });
    }

    /// Looks whether pipelines that wait for the gate of a function can go on.
    pub(crate) fn list_standing(&mut self, function: u32) {
        let Some(known) = self.functions.get(function).filter(|known| !known.standing.is_empty()) else { return };
        let standing: Vec<u32> = known.standing.keys().copied().collect();
        standing.into_iter().for_each(|pipeline| self.list(pipeline));
    }

    /// Removes a function that was forgotten, and stages of it that were, once nothing of them runs or waits.
    pub(crate) fn sweep(&mut self, function: u32) {
        self.each_stage(function, |desk, stage, _| desk.functions.sweep(stage));
        self.functions.sweep(function);
    }

    fn each_stage(&mut self, function: u32, mut visit: impl FnMut(&mut Self, u32, u32)) {
        let mut at = 0;
        while let Some((stage, count)) = self.functions.get(function).and_then(|known| known.stages.get(at)).copied() {
            visit(self, stage, count);
            at += 1;
        }
    }
}
