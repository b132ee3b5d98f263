use super::{Effects, Machine, Reason as R, State as S, Trigger as I};
use crate::illegal::Illegal;

/// The table of the doc comment, a row for each legal (state, reason, trigger).
const TABLE: &[(S, R, I, S, R, Effects)] = &[
    (S::Waiting, R::None, I::Admit, S::Open, R::None, Effects::NONE),
    (S::Waiting, R::None, I::Close, S::Closed, R::Closed, Effects(8 | 4)),
    (S::Waiting, R::None, I::Abort, S::Closed, R::Aborted, Effects(8 | 4)),
    (S::Open, R::None, I::End, S::Ending, R::None, Effects::STOP_INPUT),
    (S::Open, R::None, I::Idle, S::Ending, R::Idle, Effects::STOP_INPUT),
    (S::Open, R::None, I::Close, S::Closing, R::Closed, Effects::UNWIND),
    (S::Open, R::None, I::Abort, S::Closing, R::Aborted, Effects::UNWIND),
    (S::Open, R::None, I::Return, S::Closed, R::Done, Effects::FINISH),
    (S::Open, R::None, I::Throw, S::Closed, R::Failed, Effects::FINISH),
    (S::Ending, R::None, I::Close, S::Closing, R::Closed, Effects::UNWIND),
    (S::Ending, R::None, I::Abort, S::Closing, R::Aborted, Effects::UNWIND),
    (S::Ending, R::None, I::Return, S::Closed, R::Done, Effects::FINISH),
    (S::Ending, R::None, I::Throw, S::Closed, R::Failed, Effects::FINISH),
    (S::Ending, R::Idle, I::Close, S::Closing, R::Closed, Effects::UNWIND),
    (S::Ending, R::Idle, I::Abort, S::Closing, R::Aborted, Effects::UNWIND),
    (S::Ending, R::Idle, I::Return, S::Closed, R::Idle, Effects::FINISH),
    (S::Ending, R::Idle, I::Throw, S::Closed, R::Failed, Effects::FINISH),
    (S::Ending, R::None, I::Idle, S::Ending, R::None, Effects::NONE),
    (S::Ending, R::Idle, I::Idle, S::Ending, R::Idle, Effects::NONE),
    (S::Closing, R::Closed, I::Idle, S::Closing, R::Closed, Effects::NONE),
    (S::Closing, R::Aborted, I::Idle, S::Closing, R::Aborted, Effects::NONE),
    (S::Closing, R::Closed, I::Return, S::Closed, R::Closed, Effects::FINISH),
    (S::Closing, R::Closed, I::Throw, S::Closed, R::Failed, Effects::FINISH),
    (S::Closing, R::Closed, I::Expire, S::Closed, R::Closed, Effects(4 | 16)),
    (S::Closing, R::Aborted, I::Return, S::Closed, R::Aborted, Effects::FINISH),
    (S::Closing, R::Aborted, I::Throw, S::Closed, R::Aborted, Effects::FINISH),
    (S::Closing, R::Aborted, I::Expire, S::Closed, R::Aborted, Effects(4 | 16)),
];

/// Every state together with the reasons it can have.
const REACHABLE: &[(S, R)] = &[
    (S::Waiting, R::None),
    (S::Open, R::None),
    (S::Ending, R::None),
    (S::Ending, R::Idle),
    (S::Closing, R::Closed),
    (S::Closing, R::Aborted),
    (S::Closed, R::Done),
    (S::Closed, R::Closed),
    (S::Closed, R::Idle),
    (S::Closed, R::Aborted),
    (S::Closed, R::Failed),
];

#[test]
fn every_row_of_the_table_holds_and_everything_else_is_illegal() {
    for (state, reason) in REACHABLE.iter().copied() {
        let machine = Machine { state, reason };
        for trigger in I::ALL.iter().copied() {
            let row = TABLE.iter().find(|row| (row.0, row.1, row.2) == (state, reason, trigger));
            let expected = row.map(|row| (Machine { state: row.3, reason: row.4 }, row.5));
            assert_eq!(
                machine.step(trigger),
                expected.ok_or(Illegal { from: machine, trigger }),
                "{state:?} {reason:?} {trigger:?}"
            );
            assert!(expected.is_none_or(|(to, _)| REACHABLE.contains(&(to.state, to.reason))));
        }
    }
}

#[test]
fn an_answer_survives_the_border() {
    for (state, reason) in REACHABLE.iter().copied() {
        let machine = Machine { state, reason };
        let packed = machine.pack(Effects::FINISH.and(Effects::DETACH));
        assert_eq!(packed, state as u32 | (reason as u32) << 4 | 20 << 8);
        assert_eq!(Machine::unpack(packed), Some(machine));
    }
    assert_eq!(Machine::unpack(5), None);
    assert_eq!(Machine::unpack(6 << 4), None);
}

#[test]
fn effects_are_single_bits_and_sets_contain_their_parts() {
    let bits: Vec<_> = Effects::ALL.iter().map(|(_, effect)| effect.bits()).collect();
    assert_eq!(bits, [0, 1, 2, 4, 8, 16, 32]);
    assert!(Effects::FINISH.and(Effects::DETACH).contains(Effects::DETACH));
    assert!(!Effects::FINISH.contains(Effects::DETACH));
}

#[test]
fn an_illegal_input_says_what_came_where() {
    let illegal = Machine::WAITING.step(I::Return).map_err(|illegal| illegal.to_string());
    assert_eq!(illegal, Err("Return is no trigger of Machine { state: Waiting, reason: None }".to_owned()));
}
