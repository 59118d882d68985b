//! The reader of a template's text: it tells literals, references and directives apart, and drops the white space that
//! belongs to directives.
//!
//! SOURCE: the VTL reference and the grammar of Velocity 1.7. A directive's closing parenthesis, `#else` and `#end`
//! take the blanks and the line end that follow them; `#set` takes the blanks before it, unless they belong to a longer
//! text.

use super::{
    BadTemplate, NESTING,
    tree::{Block, Expression, Node, Print},
};

/// Directives of Velocity that no document of API Gateway names.
const FOREIGN: [&str; 6] = ["include", "parse", "macro", "define", "evaluate", "literal"];

/// The end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Template,
    Else,
    ElseIf,
    Directive,
}

/// A position in a template's text.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    /// Bytes that are read. Always on a character's border.
    pub(super) at: usize,
    /// Things within things that are open at this position.
    pub(super) depth: usize,
}

/// A block under way: its nodes, and the literal text that no node has yet.
#[derive(Debug, Default)]
struct OpenBlock {
    nodes: Block,
    literal: String,
    /// Bytes of the literal text before its last piece.
    piece: usize,
}

impl OpenBlock {
    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.nodes
                .push(Node::Text(std::mem::take(&mut self.literal)));
        }
        self.piece = 0;
    }

    fn push(&mut self, node: Node) {
        self.flush();
        self.nodes.push(node);
    }

    fn text(&mut self, text: &str) {
        self.literal.push_str(text);
    }

    /// Takes back the last piece of the text if it is blank.
    fn unindent(&mut self) {
        if self.literal[self.piece..]
            .bytes()
            .all(|byte| matches!(byte, b' ' | b'\t'))
        {
            self.literal.truncate(self.piece);
        }
    }

    fn into_block(mut self) -> Block {
        self.flush();
        self.nodes
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, depth: usize) -> Reader<'t> {
        Reader { text, at: 0, depth }
    }

    /// Reads all of the text.
    pub(super) fn template(mut self) -> Result<Block, BadTemplate> {
        let (block, end) = self.block()?;
        match end {
            End::Template => Ok(block),
            End::Else | End::ElseIf => Err(self.bad("an `#else` without an `#if`")),
            End::Directive => Err(self.bad("an `#end` that ends nothing")),
        }
    }

    pub(super) fn bad(&self, what: &str) -> BadTemplate {
        let read = self.text.get(..self.at).unwrap_or(self.text);
        BadTemplate::Syntax {
            line: 1 + read.bytes().filter(|byte| *byte == b'\n').count(),
            what: what.to_owned(),
        }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes this text if it comes next.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let taken = self.rest().starts_with(expected);
        if taken {
            self.at += expected.len();
        }
        taken
    }

    /// Takes the bytes of ASCII that come next and are wanted.
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|byte| !byte.is_ascii() || !wanted(byte))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Goes one level down, and up again after `inner`.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, BadTemplate>,
    ) -> Result<T, BadTemplate> {
        if self.depth == NESTING {
            return Err(BadTemplate::TooDeep);
        }
        self.depth += 1;
        let read = inner(self);
        self.depth -= 1;
        read
    }

    fn block(&mut self) -> Result<(Block, End), BadTemplate> {
        let mut open_block = OpenBlock::default();
        loop {
            let rest = self.rest();
            let plain = rest.find(['$', '#', '\\']).unwrap_or(rest.len());
            open_block.text(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                None => return Ok((open_block.into_block(), End::Template)),
                Some(b'#') => {
                    if let Some(end) = self.hash(&mut open_block)? {
                        return Ok((open_block.into_block(), end));
                    }
                }
                Some(_) => self.dollar(&mut open_block)?,
            }
        }
    }

    /// Reads a block that the reader goes down into.
    fn inner_block(&mut self) -> Result<(Block, End), BadTemplate> {
        self.deeper(Self::block)
    }

    /// Reads what begins with backslashes or a dollar sign.
    fn dollar(&mut self, open_block: &mut OpenBlock) -> Result<(), BadTemplate> {
        let backslashes = self.take_while(|byte| byte == b'\\');
        let start = self.at;
        if self.peek() == Some(b'#') && self.directive_word().is_some_and(is_directive) {
            self.escaped_directive(backslashes, open_block);
            return Ok(());
        }
        if !self.take("$") {
            open_block.text(backslashes);
            return Ok(());
        }
        let quiet = self.take("!");
        let second = self.rest().as_bytes().get(1);
        let braced = self.peek() == Some(b'{') && second.is_some_and(|byte| is_name_start(*byte));
        if braced {
            self.at += 1;
        } else if !self.peek().is_some_and(is_name_start) {
            open_block.text(backslashes);
            open_block.text(&self.text[start..self.at]);
            return Ok(());
        }
        let reference = self.reference()?;
        if braced && !self.take("}") {
            return Err(self.bad("a reference `${…` that is not closed"));
        }
        open_block.push(Node::Print(Print {
            reference,
            quiet,
            backslashes: backslashes.len(),
            source: self.text[start..self.at].to_owned(),
        }));
        Ok(())
    }

    /// Reads a directive after backslashes; an odd number of them makes its word text.
    fn escaped_directive(&mut self, backslashes: &str, open_block: &mut OpenBlock) {
        open_block.text(&backslashes[..backslashes.len() / 2]);
        if !backslashes.len().is_multiple_of(2) {
            let length = 1 + self.word_length();
            open_block.text(&self.text[self.at..self.at + length]);
            self.at += length;
        }
    }

    /// Reads what begins with `#`: a comment, a directive, or text. Gives the end of the block if it is that.
    fn hash(&mut self, open_block: &mut OpenBlock) -> Result<Option<End>, BadTemplate> {
        if self.take("##") {
            let line = self.rest();
            let length = line.find(['\n', '\r']).unwrap_or(line.len());
            self.at += length;
            self.line_end();
            open_block.piece = open_block.literal.len();
            return Ok(None);
        }
        if self.take("#*") {
            self.through("*#", "a comment `#*` that is not closed")?;
            open_block.piece = open_block.literal.len();
            return Ok(None);
        }
        if self.take("#[[") {
            let text = self.through("]]#", "a literal `#[[` that is not closed")?;
            open_block.text(text);
            open_block.piece = open_block.literal.len();
            return Ok(None);
        }
        let Some(word) = self.directive_word() else {
            self.at += 1;
            open_block.text("#");
            return Ok(None);
        };
        self.directive(word, open_block)
    }

    fn directive(
        &mut self,
        word: &'t str,
        open_block: &mut OpenBlock,
    ) -> Result<Option<End>, BadTemplate> {
        let start = self.at;
        self.at += 1 + self.word_length();
        match word {
            "set" if self.opens() => {
                open_block.unindent();
                let node = self.set()?;
                open_block.push(node);
            }
            "if" => {
                let node = self.if_chain()?;
                open_block.push(node);
            }
            "foreach" if self.opens() => {
                let node = self.foreach()?;
                open_block.push(node);
            }
            "else" => {
                self.blank_line_end();
                return Ok(Some(End::Else));
            }
            "elseif" => return Ok(Some(End::ElseIf)),
            "end" => {
                self.blank_line_end();
                return Ok(Some(End::Directive));
            }
            "break" => {
                if self.opens() {
                    self.reference_argument()?;
                }
                open_block.push(Node::Break);
            }
            "stop" => open_block.push(Node::Stop),
            _ if FOREIGN.contains(&word) && self.opens() => {
                return Err(BadTemplate::Directive(word.to_owned()));
            }
            // What is no directive is text.
            _ => open_block.text(&self.text[start..self.at]),
        }
        Ok(None)
    }

    fn set(&mut self) -> Result<Node, BadTemplate> {
        self.skip_space();
        let target = self.dollar_reference()?;
        self.skip_space();
        if !self.take("=") {
            return Err(self.bad("a `#set` without `=`"));
        }
        let value = self.expression()?;
        self.close_directive()?;
        Ok(Node::Set { target, value })
    }

    fn if_chain(&mut self) -> Result<Node, BadTemplate> {
        let mut branches = Vec::new();
        loop {
            if !self.opens() {
                return Err(self.bad("an `#if` or `#elseif` without a condition"));
            }
            let condition = self.expression()?;
            self.close_directive()?;
            let (block, end) = self.inner_block()?;
            branches.push((condition, block));
            match end {
                End::ElseIf => {}
                End::Directive => {
                    let otherwise = Block::new();
                    return Ok(Node::If {
                        branches,
                        otherwise,
                    });
                }
                End::Else => {
                    let (otherwise, end) = self.inner_block()?;
                    if end != End::Directive {
                        return Err(self.bad("an `#else` that `#end` does not end"));
                    }
                    return Ok(Node::If {
                        branches,
                        otherwise,
                    });
                }
                End::Template => return Err(self.bad("an `#if` without its `#end`")),
            }
        }
    }

    fn foreach(&mut self) -> Result<Node, BadTemplate> {
        self.skip_space();
        let element = self.dollar_reference()?;
        if !element.links.is_empty() {
            return Err(self.bad("a `#foreach` whose element is no plain name"));
        }
        self.skip_space();
        if self.name() != "in" {
            return Err(self.bad("a `#foreach` without `in`"));
        }
        let list: Expression = self.parameter()?;
        self.close_directive()?;
        let (body, end) = self.inner_block()?;
        if end != End::Directive {
            return Err(self.bad("a `#foreach` without its `#end`"));
        }
        Ok(Node::ForEach {
            name: element.name,
            list,
            body,
        })
    }

    /// Reads the argument of `#break($foreach)`, which says which of the surrounding things to break; only a loop can
    /// be one here.
    fn reference_argument(&mut self) -> Result<(), BadTemplate> {
        self.skip_space();
        self.dollar_reference()?;
        self.skip_space();
        if self.take(")") {
            Ok(())
        } else {
            Err(self.bad("a `#break` that is not closed"))
        }
    }

    /// Takes the parenthesis that opens a directive, and the blanks before it, if it is there.
    fn opens(&mut self) -> bool {
        let before = self.at;
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
        if self.take("(") {
            return true;
        }
        self.at = before;
        false
    }

    fn close_directive(&mut self) -> Result<(), BadTemplate> {
        self.skip_space();
        if !self.take(")") {
            return Err(self.bad("a directive whose parenthesis is not closed"));
        }
        self.blank_line_end();
        Ok(())
    }

    /// Takes blanks and the line end after them, or nothing.
    fn blank_line_end(&mut self) {
        let before = self.at;
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
        if !self.line_end() {
            self.at = before;
        }
    }

    fn line_end(&mut self) -> bool {
        self.take("\r\n") || self.take("\n") || self.take("\r")
    }

    /// Reads the text up to `closing`, which is taken too.
    fn through(&mut self, closing: &str, otherwise: &str) -> Result<&'t str, BadTemplate> {
        let (inside, _) = self
            .rest()
            .split_once(closing)
            .ok_or_else(|| self.bad(otherwise))?;
        self.at += inside.len() + closing.len();
        Ok(inside)
    }

    /// Reads the word of a directive that begins here with `#`, bare or in braces.
    fn directive_word(&self) -> Option<&'t str> {
        let after = self.rest().strip_prefix('#')?;
        let braced = after.strip_prefix('{');
        let name = braced.unwrap_or(after);
        let end = name.bytes().position(|byte| !is_word(byte));
        let (word, after) = name.split_at(end.unwrap_or(name.len()));
        let closed = braced.is_none() || after.starts_with('}');
        (closed && !word.is_empty() && !word.as_bytes()[0].is_ascii_digit()).then_some(word)
    }

    /// Bytes of that word, with its braces.
    fn word_length(&self) -> usize {
        let braces = if self.rest().starts_with("#{") { 2 } else { 0 };
        self.directive_word().map_or(0, str::len) + braces
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@')
}

fn is_directive(word: &str) -> bool {
    matches!(
        word,
        "set" | "if" | "elseif" | "else" | "end" | "foreach" | "break" | "stop"
    ) || FOREIGN.contains(&word)
}

pub(super) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}
