//! Which inputs have been heard lately: the window in which events of several inputs meet.
//!
//! Time is given, never asked for here.

use std::time::Duration;

/// A point in time, in microseconds from a beginning that all who share it agree on.
pub(crate) type Moment = u64;

/// When each input was heard last, and what of it conditions have used up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) inputs: Vec<Option<Moment>>,
    /// For each condition what it has matched with, where a match uses up what it matched with.
    pub(crate) used: Vec<Vec<Option<Moment>>>,
}

impl Heard {
    pub(crate) fn new(inputs: usize, conditions: usize) -> Self {
        Self { inputs: vec![None; inputs], used: vec![vec![None; inputs]; conditions] }
    }

    /// Notes that an input was heard: no two times are the same, or one that was used up would hide another.
    pub(crate) fn hear(&mut self, input: usize, now: Moment) {
        self.inputs[input] = Some(self.inputs[input].map_or(now, |last| now.max(last + 1)));
    }

    /// Tells for each input whether it counts for a condition: it was heard within the window, and is not used up.
    pub(crate) fn statuses(&self, condition: usize, window: Duration, now: Moment) -> Vec<bool> {
        let window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        let used = &self.used[condition];
        let status = |(heard, used): (&Option<Moment>, &Option<Moment>)| {
            heard.is_some_and(|heard| now.saturating_sub(heard) < window) && heard != used
        };
        self.inputs.iter().zip(used).map(status).collect()
    }

    /// Notes that a condition has matched, with the inputs that it asks for as they were at that time.
    pub(crate) fn use_up(&mut self, condition: usize, asked: &[usize], then: &[Option<Moment>]) {
        for &input in asked {
            self.used[condition][input] = then[input];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);
    const MINUTE: Moment = 60_000_000;

    #[test]
    fn an_input_counts_for_the_window_after_it_was_heard_last() {
        let mut heard = Heard::new(2, 1);
        assert_eq!(heard.statuses(0, WINDOW, 0), [false, false]);
        heard.hear(0, 5);
        assert_eq!(heard.statuses(0, WINDOW, 5), [true, false]);
        assert_eq!(heard.statuses(0, WINDOW, 4 + MINUTE), [true, false]);
        assert_eq!(heard.statuses(0, WINDOW, 5 + MINUTE), [false, false]);
        heard.hear(0, MINUTE);
        assert_eq!(heard.statuses(0, WINDOW, 5 + MINUTE), [true, false]);
    }

    #[test]
    fn what_a_condition_used_up_counts_for_the_others_and_again_when_heard_anew() {
        let mut heard = Heard::new(2, 2);
        heard.hear(0, 1);
        heard.hear(1, 2);
        let then = heard.inputs.clone();
        // It comes while the match is delivered.
        heard.hear(1, 2);
        heard.use_up(0, &[0, 1], &then);
        assert_eq!(heard.statuses(0, WINDOW, 3), [false, true]);
        assert_eq!(heard.statuses(1, WINDOW, 3), [true, true]);
    }

    proptest! {
        #[test]
        fn an_input_counts_exactly_if_an_event_of_it_is_in_the_window(
            events in prop::collection::vec((0..3_usize, 0..500_u64), 0..40),
            window in 1..200_u64,
            later in 0..300_u64,
        ) {
            let (mut heard, mut now) = (Heard::new(3, 1), 0);
            let mut last = [None; 3];
            for (input, pause) in events {
                now += pause * 1000;
                heard.hear(input, now);
                last[input] = Some(now);
            }
            now += later * 1000;
            let expected = last.map(|last| last.is_some_and(|last| now - last < window * 1000));
            let statuses = heard.statuses(0, Duration::from_millis(window), now);
            // Two events of one moment are set apart by a microsecond each.
            let near = last.iter().flatten().any(|last| (now - last).abs_diff(window * 1000) < 100);
            prop_assume!(!near);
            prop_assert_eq!(statuses, expected);
        }

        #[test]
        fn a_match_is_used_once_however_often_it_is_asked_for(gaps in prop::collection::vec(1..1000_u64, 1..20)) {
            let (mut heard, mut now, mut matches) = (Heard::new(1, 1), 0, 0);
            for gap in &gaps {
                now += gap;
                heard.hear(0, now);
                for _ in 0..3 {
                    if heard.statuses(0, WINDOW, now)[0] {
                        matches += 1;
                        let then = heard.inputs.clone();
                        heard.use_up(0, &[0], &then);
                    }
                }
            }
            prop_assert_eq!(matches, gaps.len());
        }
    }
}
