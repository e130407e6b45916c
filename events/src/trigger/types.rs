//! The types of a condition, as far as its text tells them: what cel-go's checker refuses is refused before an event waits.
//!
//! Functions of CEL that are none of its operators have no type here; whether they fit is seen when the condition is tried out.

use std::fmt;

use cel::{
    Program,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as op},
};

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    List(Box<Self>),
    Map(Box<Self>, Box<Self>),
    /// Whatever it will be.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Null => f.write_str("null"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Any => f.write_str("dyn"),
        }
    }
}

impl Type {
    /// Whether a value of one can be one of the other.
    fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(a), Self::List(b)) => a.fits(b),
            (Self::Map(a, b), Self::Map(c, d)) => a.fits(c) && b.fits(d),
            _ => self == other,
        }
    }

    /// What both are.
    fn with(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Any }
    }
}

/// Checks a condition: names are known, operators fit, the result is a bool.
///
/// # Errors
/// What is wrong, a line each, with its place.
pub(crate) fn check(program: &Program, variable: impl Fn(&str) -> Option<Type>, inputs: &[String]) -> Result<(), String> {
    let mut checker = Checker { program, variable: &variable, inputs, bound: Vec::new(), findings: Vec::new() };
    let root = program.expression();
    let found = checker.type_of(root);
    if checker.findings.is_empty() && !found.fits(&Type::Bool) {
        checker.found(root, &format!("the result is {found}, expected bool"));
    }
    if checker.findings.is_empty() { Ok(()) } else { Err(checker.findings.join("\n")) }
}

struct Checker<'a> {
    program: &'a Program,
    variable: &'a dyn Fn(&str) -> Option<Type>,
    inputs: &'a [String],
    /// The variables of macros, the innermost last.
    bound: Vec<(String, Type)>,
    findings: Vec<String>,
}

impl Checker<'_> {
    fn found(&mut self, at: &IdedExpr, what: &str) {
        let info = self.program.source_info();
        let place = info.offset_for(at.id).map(|(start, _)| position(&info.source, start as usize));
        self.findings
            .push(place.map_or_else(|| what.to_owned(), |(line, column)| format!("line {line}, column {column}: {what}")));
    }

    fn type_of(&mut self, expression: &IdedExpr) -> Type {
        match &expression.expr {
            Expr::Literal(literal) => of_literal(literal),
            Expr::Ident(name) => self.of_name(expression, name),
            Expr::List(list) => list
                .elements
                .iter()
                .map(|item| self.type_of(item))
                .reduce(|one, other| one.with(&other))
                .map_or(Type::List(Box::new(Type::Any)), |item| Type::List(Box::new(item))),
            Expr::Map(map) => {
                let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some((self.type_of(&entry.key), self.type_of(&entry.value))),
                    EntryExpr::StructField(_) => None,
                });
                let both = entries.reduce(|(key, value), (other, another)| (key.with(&other), value.with(&another)));
                let (key, value) = both.unwrap_or((Type::Any, Type::Any));
                Type::Map(Box::new(key), Box::new(value))
            }
            Expr::Select(select) => {
                let of = self.type_of(&select.operand);
                match of {
                    _ if select.test => Type::Bool,
                    Type::Map(_, value) => *value,
                    Type::Any => Type::Any,
                    other => {
                        self.found(expression, &format!("{other} has no field `{}`", select.field));
                        Type::Any
                    }
                }
            }
            Expr::Struct(_) | Expr::Unspecified => Type::Any,
            Expr::Comprehension(comprehension) => self.of_comprehension(comprehension),
            Expr::Call(call) => self.of_call(expression, call),
        }
    }

    fn of_name(&mut self, at: &IdedExpr, name: &str) -> Type {
        if let Some((_, known)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return known.clone();
        }
        if let Some(known) = (self.variable)(name) {
            return known;
        }
        if TYPES.contains(&name) {
            return Type::Any;
        }
        let inputs = self.inputs.join(", ");
        let dashed = self.inputs.iter().any(|input| input.starts_with(name) && input.contains('-'));
        let hint = if dashed { "; a name with a dash is written inputs[\"a-b\"]" } else { "" };
        self.found(at, &format!("no input is named `{name}` (inputs: {inputs}){hint}"));
        Type::Any
    }

    fn of_comprehension(&mut self, comprehension: &ComprehensionExpr) -> Type {
        let ComprehensionExpr { iter_range, iter_var, iter_var2, accu_var, accu_init, loop_cond, loop_step, result } =
            comprehension;
        let (first, second) = match (self.type_of(iter_range), iter_var2) {
            (Type::List(item), None) => (*item, Type::Any),
            (Type::List(item), Some(_)) => (Type::Int, *item),
            (Type::Map(key, value), _) => (*key, *value),
            _ => (Type::Any, Type::Any),
        };
        let accumulated = self.type_of(accu_init);
        let before = self.bound.len();
        self.bound.push((iter_var.clone(), first));
        self.bound.extend(iter_var2.clone().map(|name| (name, second)));
        // Of a list that begins empty nothing is known yet.
        self.bound.push((accu_var.clone(), accumulated));
        self.type_of(loop_cond);
        let stepped = self.type_of(loop_step);
        if let Some((_, accumulated)) = self.bound.last_mut() {
            *accumulated = stepped;
        }
        let result = self.type_of(result);
        self.bound.truncate(before);
        result
    }

    fn of_call(&mut self, at: &IdedExpr, call: &CallExpr) -> Type {
        let mut given: Vec<Type> = Vec::new();
        if let Some(target) = &call.target {
            given.push(self.type_of(target));
        }
        for argument in &call.args {
            let argument = self.type_of(argument);
            given.push(argument);
        }
        operator(&call.func_name, &given).unwrap_or_else(|| {
            let types = given.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.found(at, &format!("`{}` is not for ({types})", call.func_name.trim_matches(['_', '@'])));
            Type::Any
        })
    }
}

/// What an operator makes of its operands; none where it is not for them. A function makes anything of anything.
fn operator(name: &str, given: &[Type]) -> Option<Type> {
    let both = |allowed: &[Type]| given.iter().all(|given| allowed.iter().any(|allowed| given.fits(allowed)));
    match (name, given) {
        (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT, _) => both(&[Type::Bool]).then_some(Type::Bool),
        (op::CONDITIONAL, [test, yes, no]) => {
            (test.fits(&Type::Bool) && yes.fits(no)).then(|| if *yes == Type::Any { no.clone() } else { yes.clone() })
        }
        (op::EQUALS | op::NOT_EQUALS, [left, right]) => left.fits(right).then_some(Type::Bool),
        (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [left, right]) => {
            let ordered = [Type::Bool, Type::Int, Type::Uint, Type::Double, Type::Text, Type::Bytes];
            (left.fits(right) && both(&ordered)).then_some(Type::Bool)
        }
        (op::IN, [item, Type::List(items)]) => item.fits(items).then_some(Type::Bool),
        (op::IN, [key, Type::Map(keys, _)]) => key.fits(keys).then_some(Type::Bool),
        (op::IN, [_, within]) => (*within == Type::Any).then_some(Type::Bool),
        (op::INDEX, [Type::List(items), index]) => index.fits(&Type::Int).then(|| (**items).clone()),
        (op::INDEX, [Type::Map(keys, values), key]) => key.fits(keys).then(|| (**values).clone()),
        (op::INDEX, [of, _]) => (*of == Type::Any).then_some(Type::Any),
        (op::NEGATE, [number]) => both(&[Type::Int, Type::Double]).then(|| number.clone()),
        (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, [left, right]) => {
            let is_out = |one: &Type| matches!(one, Type::Bool | Type::Null | Type::Map(..));
            (left.fits(right) && !is_out(left) && !is_out(right)).then(|| left.clone())
        }
        (op::NOT_STRICTLY_FALSE, _) => Some(Type::Bool),
        ("size", [Type::Bool | Type::Int | Type::Uint | Type::Double | Type::Null]) => None,
        ("size", _) => Some(Type::Int),
        _ => Some(Type::Any),
    }
}

fn of_literal(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

/// The names of types, which are values in CEL.
const TYPES: [&str; 12] =
    ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "google", "dyn"];

/// The line and the column of a place, from 1.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}
