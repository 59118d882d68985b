//! The syntax tree of a template.

use std::sync::Arc;

/// A piece of a template, from top to bottom.
pub(super) type Block = Vec<Node>;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Print(Print),
    Set {
        target: Reference,
        value: Expression,
    },
    If {
        branches: Vec<(Expression, Block)>,
        otherwise: Block,
    },
    ForEach {
        name: String,
        list: Expression,
        body: Block,
    },
    Break,
    Stop,
}

/// A reference in the text, which its value takes the place of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Print {
    pub(super) reference: Reference,
    /// Written `$!…`: nothing is written where there is no value.
    pub(super) quiet: bool,
    /// Backslashes before the dollar sign. They escape each other, and the last of an odd number the reference.
    pub(super) backslashes: usize,
    /// The text of the reference, from the dollar sign on.
    pub(super) source: String,
}

/// A name and the way from it to a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Link {
    Property(Arc<str>),
    Method(String, Vec<Expression>),
    Index(Expression),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Text(Arc<str>),
    /// A text in double quotes with something to evaluate in it.
    Template(Block),
    Int(i128),
    Float(f64),
    Bool(bool),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// Both ends included.
    Range(Box<Expression>, Box<Expression>),
    Reference(Reference),
    Not(Box<Expression>),
    /// Operators of one precedence, from left to right. A list and not a tree, so that its length costs no stack.
    Chain {
        first: Box<Expression>,
        rest: Vec<(Operator, Expression)>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}
