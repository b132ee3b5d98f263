use super::{Life as L, LifeTrigger as I};

/// The table of the doc comment, a row for each legal (state, trigger).
const TABLE: &[(L, I, L)] = &[
    (L::NotStarted, I::Ask, L::Running),
    (L::NotStarted, I::Return, L::Unwinding),
    (L::NotStarted, I::End, L::Releasing),
    (L::Running, I::Yield, L::Suspended),
    (L::Running, I::End, L::Releasing),
    (L::Running, I::GiveUp, L::Detached),
    (L::Suspended, I::Ask, L::Running),
    (L::Suspended, I::Return, L::Unwinding),
    (L::Unwinding, I::Yield, L::Unwinding),
    (L::Unwinding, I::Ask, L::Unwinding),
    (L::Unwinding, I::End, L::Releasing),
    (L::Unwinding, I::GiveUp, L::DetachedUnwinding),
    (L::Detached, I::Yield, L::Detached),
    (L::Detached, I::Return, L::DetachedUnwinding),
    (L::Detached, I::End, L::Finished),
    (L::DetachedUnwinding, I::Yield, L::DetachedUnwinding),
    (L::DetachedUnwinding, I::Ask, L::DetachedUnwinding),
    (L::DetachedUnwinding, I::End, L::Finished),
    (L::Releasing, I::Clear, L::GivingBack),
    (L::Releasing, I::Released, L::Finished),
    (L::Releasing, I::GiveUp, L::DetachedReleasing),
    (L::GivingBack, I::Released, L::Finished),
    (L::DetachedReleasing, I::Released, L::Finished),
];

#[test]
fn every_row_of_the_table_holds_and_everything_else_is_illegal() {
    for from in L::ALL.iter().copied() {
        for trigger in I::ALL.iter().copied() {
            let to = TABLE.iter().find(|row| (row.0, row.1) == (from, trigger)).map(|row| row.2);
            assert_eq!(from.step(trigger).ok(), to, "{from:?} {trigger:?}");
            if let Err(illegal) = from.step(trigger) {
                assert_eq!((illegal.from, illegal.trigger), (from, trigger));
            }
        }
    }
}

#[test]
fn every_state_is_reached_and_leads_to_finished_which_nothing_leaves() {
    let mut seen = vec![L::NotStarted];
    let mut at = 0;
    while let Some(from) = seen.get(at).copied() {
        for to in I::ALL.iter().filter_map(|trigger| from.step(*trigger).ok()) {
            if !seen.contains(&to) {
                seen.push(to);
            }
        }
        at += 1;
    }
    seen.sort();
    assert_eq!(seen, L::ALL);
    for from in L::ALL.iter().copied() {
        let ends =
            [I::End, I::Released].iter().try_fold(from, |life, trigger| life.step(*trigger).or(Ok::<L, ()>(life)));
        let told = from.step(I::Return).unwrap_or(from);
        let ends_when_told =
            [I::End, I::Released].iter().try_fold(told, |life, trigger| life.step(*trigger).or(Ok::<L, ()>(life)));
        assert!(ends == Ok(L::Finished) || ends_when_told == Ok(L::Finished), "{from:?}");
        assert!(from != L::Finished || I::ALL.iter().all(|trigger| from.step(*trigger).is_err()));
    }
}

#[test]
fn what_has_finished_comes_after_what_has_not() {
    for from in L::ALL.iter().copied() {
        assert_eq!(
            from >= L::Releasing,
            I::ALL
                .iter()
                .all(|trigger| !matches!(trigger, I::Ask | I::Yield | I::Return | I::End)
                    || from.step(*trigger).is_err()),
            "{from:?}"
        );
    }
}

#[test]
fn an_illegal_input_says_what_came_where() {
    assert_eq!(
        L::Finished.step(I::Ask).map_err(|illegal| illegal.to_string()),
        Err("Ask is no trigger of Finished".to_owned())
    );
}
