//! A condition: a bool in CEL over the inputs.

use std::{collections::HashMap, fmt, sync::Arc};

use cel::{
    Context, Env, Program, Value,
    objects::{Key, Map},
};

use super::types::{self, Type};

/// Where an input is found whose name is no name of CEL, and any other.
pub(crate) const INPUTS: &str = "inputs";

/// Up to so many inputs every assignment is tried at the start: 1024 of them.
const ALL_ARE_TRIED: usize = 10;

/// A condition, compiled.
#[derive(Debug)]
pub(crate) struct Condition {
    text: String,
    program: Program,
    /// The inputs it asks for.
    asked: Vec<usize>,
}

/// What all conditions share: the functions of CEL, and the names of the inputs.
pub(crate) struct Language {
    env: Arc<Env>,
    inputs: Vec<String>,
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Language").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Language {
    pub(crate) fn new(inputs: Vec<String>) -> Self {
        Self { env: Arc::new(Env::stdlib()), inputs }
    }

    /// Compiles a condition.
    ///
    /// # Errors
    /// What is wrong with it, a line each: with the place in the text where that is known.
    pub(crate) fn compile(&self, text: &str) -> Result<Condition, String> {
        let program = self.env.compile(text).map_err(|errors| {
            let errors = errors.errors.iter().map(|error| {
                let (line, column) = error.pos;
                format!("line {line}, column {column}: {}", error.msg)
            });
            errors.collect::<Vec<_>>().join("\n")
        })?;
        types::check(&program, |name| self.type_of(name), &self.inputs)?;
        let references = program.references();
        let all = references.has_variable(INPUTS) && self.type_of(INPUTS) != Some(Type::Bool);
        let asked = self.inputs.iter().enumerate().filter(|(_, name)| all || references.has_variable(name.as_str()));
        let asked = asked.map(|(index, _)| index).collect();
        let condition = Condition { text: text.to_owned(), program, asked };
        self.try_out(&condition)?;
        Ok(condition)
    }

    fn type_of(&self, name: &str) -> Option<Type> {
        if self.inputs.iter().any(|input| input == name) {
            return Some(Type::Bool);
        }
        (name == INPUTS).then(|| Type::Map(Box::new(Type::Text), Box::new(Type::Bool)))
    }

    /// Evaluates a condition for every assignment, or for those that are most likely to show a mistake where there are too many:
    /// what cannot be evaluated now will not be when an event waits for it.
    fn try_out(&self, condition: &Condition) -> Result<(), String> {
        let asked = &condition.asked;
        let assigned = |is_true: &dyn Fn(usize) -> bool| {
            let mut statuses = vec![false; self.inputs.len()];
            for (bit, &input) in asked.iter().enumerate() {
                statuses[input] = is_true(bit);
            }
            statuses
        };
        let all: Vec<Vec<bool>> = if asked.len() <= ALL_ARE_TRIED {
            (0..1_usize << asked.len()).map(|index| assigned(&|bit| index >> bit & 1 == 1)).collect()
        } else {
            let alone = (0..asked.len()).flat_map(|one| [assigned(&|bit| bit == one), assigned(&|bit| bit != one)]);
            [assigned(&|_| false), assigned(&|_| true)].into_iter().chain(alone).collect()
        };
        for statuses in all {
            self.holds(condition, &statuses).map_err(|why| {
                let inputs = asked.iter().map(|&input| format!("{} = {}", self.inputs[input], statuses[input]));
                let inputs: Vec<_> = inputs.collect();
                let when = if inputs.is_empty() { String::new() } else { format!(" for {}", inputs.join(", ")) };
                format!("cannot be evaluated{when}: {why}")
            })?;
        }
        Ok(())
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// What CEL cannot do, such as a division by zero.
    pub(crate) fn holds(&self, condition: &Condition, statuses: &[bool]) -> Result<bool, String> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        let named = || self.inputs.iter().zip(statuses);
        let references = condition.program.references();
        if references.has_variable(INPUTS) {
            let all: HashMap<Key, Value> =
                named().map(|(name, &status)| (Key::from(name.as_str()), Value::Bool(status))).collect();
            context.add_variable_from_value(INPUTS, Value::Map(Map { map: Arc::new(all) }));
        }
        for &input in &condition.asked {
            context.add_variable_from_value(self.inputs[input].as_str(), statuses[input]);
        }
        match condition.program.execute(&context) {
            Ok(Value::Bool(value)) => Ok(value),
            Ok(other) => Err(format!("the result is {other:?}, expected a bool")),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Condition {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The inputs it asks for, by their numbers.
    pub(crate) fn asked(&self) -> &[usize] {
        &self.asked
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    /// What cel-go 0.9, which the existing handler is built with, makes of the conditions: `tools/cel-go` asks it.
    const ANSWERS: &str = include_str!("../../tests/conditions/answers.json");

    /// Refused by the existing handler, the first for what its checker does not know, the second for what it cannot compare; both
    /// have a value here, as they do in later versions of cel-go.
    const MORE: [&str; 2] = ["dyn(A)", "[A, 1] == [A, B]"];

    #[test]
    fn every_condition_has_the_value_that_it_has_for_the_existing_handler() {
        let answers: Json = serde_json::from_str(ANSWERS).unwrap();
        let inputs: Vec<String> = serde_json::from_value(answers["inputs"].clone()).unwrap();
        let language = Language::new(inputs.clone());
        let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
        for answer in answers["answers"].as_array().unwrap() {
            let text = answer["condition"].as_str().unwrap();
            let compiled = language.compile(text);
            // One that fails for some assignment is refused here, and ends the existing handler when that assignment comes.
            let expected = answer["values"].as_str().filter(|values| !values.contains('e'));
            let found = compiled.as_ref().map(|condition| {
                let values = (0..1_usize << inputs.len()).map(|assignment| {
                    let statuses: Vec<bool> = (0..inputs.len()).map(|bit| assignment >> bit & 1 == 1).collect();
                    if language.holds(condition, &statuses).unwrap() { 't' } else { 'f' }
                });
                values.collect::<String>()
            });
            match (expected, found) {
                (Some(expected), Ok(found)) if expected == found => accepted += 1,
                (None, Err(_)) => refused += 1,
                (None, Ok(_)) if MORE.contains(&text) => {}
                (expected, found) => wrong.push(format!("{text:?}: expected {expected:?}, found {found:?}")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(accepted >= 60 && refused >= 40, "{accepted} {refused}");
    }

    #[test]
    fn what_is_wrong_with_a_condition_is_told_with_its_place() {
        let language = Language::new(["A", "a-b"].map(str::to_owned).to_vec());
        for (text, part) in [
            ("A &&", "line 1, column"),
            ("A ||\n  D", "line 2, column 3: no input is named `D` (inputs: A, a-b)"),
            ("a-b", "a name with a dash is written inputs[\"a-b\"]"),
            ("A ? 1 : 2", "the result is int, expected bool"),
            ("A == 1", "`==` is not for (bool, int)"),
            (r#"inputs["c"]"#, "cannot be evaluated for A = false, a-b = false"),
        ] {
            let why = language.compile(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
        assert_eq!(language.compile(r#"inputs["a-b"]"#).unwrap().asked(), [0, 1]);
        assert_eq!(language.compile("A || true").unwrap().asked(), [0]);
    }

    #[test]
    fn an_input_may_be_named_inputs_and_then_is_that() {
        let language = Language::new(vec![INPUTS.to_owned()]);
        let condition = language.compile("!inputs").unwrap();
        assert_eq!((language.holds(&condition, &[true]), language.holds(&condition, &[false])), (Ok(false), Ok(true)));
    }

    #[test]
    fn a_condition_over_many_inputs_is_tried_where_mistakes_show() {
        let names: Vec<String> = (0..40).map(|number| format!("i{number}")).collect();
        let language = Language::new(names.clone());
        let condition = language.compile(&names.join(" && ")).unwrap();
        let mut statuses = vec![true; 40];
        assert_eq!(language.holds(&condition, &statuses), Ok(true));
        statuses[39] = false;
        assert_eq!(language.holds(&condition, &statuses), Ok(false));
        assert!(language.compile(&format!("({}) ? 1/0 == 1 : true", names.join(" && "))).is_err());
    }
}
