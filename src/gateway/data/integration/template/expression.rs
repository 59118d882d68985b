//! Reads references and expressions.
//!
//! Arguments of methods, elements of lists and maps and the list of a `#foreach` are single values and no expressions,
//! as in Velocity: a template that computes within an argument is refused there, and so it is refused here.

use super::{
    BadTemplate,
    read::{Reader, is_name_start},
    tree::{Expression, Link, Operator, Reference},
};

/// Operators by precedence, the loosest first; of two with the same beginning the longer stands first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("eq", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("ne", Operator::NotEqual),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        ("le", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("ge", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        ("lt", Operator::Less),
        (">", Operator::Greater),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Modulo),
    ],
];

impl Reader<'_> {
    /// Reads an expression, with the space around it.
    pub(super) fn expression(&mut self) -> Result<Expression, BadTemplate> {
        self.deeper(|reader| reader.level(0))
    }

    fn level(&mut self, level: usize) -> Result<Expression, BadTemplate> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(operators) {
            rest.push((operator, self.level(level + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression::Chain {
            first: Box::new(first),
            rest,
        })
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        self.skip_space();
        let found = operators.iter().find(|(sign, _)| self.takes_sign(sign))?;
        Some(found.1)
    }

    /// Takes an operator; one that is a word must end where it ends.
    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_word = sign.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
        let after = self.rest().as_bytes().get(sign.len()).copied();
        if is_word && after.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return false;
        }
        self.take(sign)
    }

    fn unary(&mut self) -> Result<Expression, BadTemplate> {
        self.skip_space();
        if self.takes_sign("!") || self.takes_sign("not") {
            let inner = self.deeper(Self::unary)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.expression()?;
            self.skip_space();
            if !self.take(")") {
                return Err(self.bad("a parenthesis that is not closed"));
            }
            return Ok(inner);
        }
        self.parameter()
    }

    /// Reads a single value, with the space around it.
    pub(super) fn parameter(&mut self) -> Result<Expression, BadTemplate> {
        self.skip_space();
        let value = match self.peek() {
            Some(b'$') => Expression::Reference(self.dollar_reference()?),
            Some(b'\'') => self.plain_text()?,
            Some(b'"') => self.rich_text()?,
            Some(b'[') => self.deeper(Self::list)?,
            Some(b'{') => self.deeper(Self::map)?,
            Some(b'-' | b'.' | b'0'..=b'9') => self.number()?,
            _ => self.boolean()?,
        };
        self.skip_space();
        Ok(value)
    }

    fn boolean(&mut self) -> Result<Expression, BadTemplate> {
        if self.takes_sign("true") {
            Ok(Expression::Bool(true))
        } else if self.takes_sign("false") {
            Ok(Expression::Bool(false))
        } else {
            Err(self.bad("a value is missing, or is none that a template knows"))
        }
    }

    /// Reads `'…'`, in which nothing is evaluated. Two quotes stand for one.
    fn plain_text(&mut self) -> Result<Expression, BadTemplate> {
        let content = self.quoted('\'')?;
        Ok(Expression::Text(content.into()))
    }

    /// Reads `"…"`, a template within the template. Two quotes stand for one.
    fn rich_text(&mut self) -> Result<Expression, BadTemplate> {
        let content = self.quoted('"')?;
        if !content.contains(['$', '#']) {
            return Ok(Expression::Text(content.into()));
        }
        self.deeper(|reader| {
            let inner = Reader::new(&content, reader.depth);
            match inner.template() {
                Ok(block) => Ok(Expression::Template(block)),
                Err(BadTemplate::Syntax { what, .. }) => Err(reader.bad(&what)),
                Err(other) => Err(other),
            }
        })
    }

    /// Reads the content of a text in quotes. A backslash keeps a double quote from closing it, and stays.
    fn quoted(&mut self, quote: char) -> Result<String, BadTemplate> {
        let mut content = String::new();
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((index, character)) = characters.next() {
            if character == '\\' && quote == '"' {
                content.push(character);
                content.extend(characters.next().map(|(_, escaped)| escaped));
            } else if character != quote {
                content.push(character);
            } else if characters.next_if(|(_, next)| *next == quote).is_some() {
                content.push(quote);
            } else {
                self.at += index + 1;
                return Ok(content);
            }
        }
        Err(self.bad("a text whose quotes are not closed"))
    }

    fn number(&mut self) -> Result<Expression, BadTemplate> {
        let start = self.at;
        self.take("-");
        self.take_while(|byte| byte.is_ascii_digit());
        let whole = &self.text[start..self.at];
        let is_range = self.rest().starts_with("..");
        let mut is_float = false;
        if !is_range && self.take(".") {
            is_float = true;
            self.take_while(|byte| byte.is_ascii_digit());
        }
        if !is_range && self.exponent() {
            is_float = true;
        }
        let written = &self.text[start..self.at];
        let number = if is_float {
            let float = written.parse().ok();
            float
                .filter(|float: &f64| float.is_finite())
                .map(Expression::Float)
        } else {
            whole.parse().ok().map(Expression::Int)
        };
        number.ok_or_else(|| self.bad("a number that is none"))
    }

    fn exponent(&mut self) -> bool {
        let before = self.at;
        if self.take("e") || self.take("E") {
            let _sign = self.take("+") || self.take("-");
            if !self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
                return true;
            }
        }
        self.at = before;
        false
    }

    /// Reads `[a, b]` or `[from..to]`.
    fn list(&mut self) -> Result<Expression, BadTemplate> {
        self.at += 1;
        self.skip_space();
        if self.take("]") {
            return Ok(Expression::List(Vec::new()));
        }
        let first = self.parameter()?;
        if self.take("..") {
            let last = self.parameter()?;
            if !self.take("]") {
                return Err(self.bad("a range that is not closed"));
            }
            return Ok(Expression::Range(Box::new(first), Box::new(last)));
        }
        let mut elements = vec![first];
        while self.take(",") {
            elements.push(self.parameter()?);
        }
        if !self.take("]") {
            return Err(self.bad("a list that is not closed"));
        }
        Ok(Expression::List(elements))
    }

    /// Reads `{key: value, …}`.
    fn map(&mut self) -> Result<Expression, BadTemplate> {
        self.at += 1;
        self.skip_space();
        let mut members = Vec::new();
        if self.take("}") {
            return Ok(Expression::Map(members));
        }
        loop {
            let key = self.parameter()?;
            if !self.take(":") {
                return Err(self.bad("a map without `:` between name and value"));
            }
            members.push((key, self.parameter()?));
            if self.take("}") {
                return Ok(Expression::Map(members));
            }
            if !self.take(",") {
                return Err(self.bad("a map that is not closed"));
            }
        }
    }

    /// Reads `$name…` or `${name…}`, as it stands within a directive.
    pub(super) fn dollar_reference(&mut self) -> Result<Reference, BadTemplate> {
        let is_reference = self.take("$");
        self.take("!");
        let braced = self.take("{");
        if !is_reference || !self.peek().is_some_and(is_name_start) {
            return Err(self.bad("a reference is missing"));
        }
        let reference = self.reference()?;
        if braced && !self.take("}") {
            return Err(self.bad("a reference `${…` that is not closed"));
        }
        Ok(reference)
    }

    /// Reads a reference from its name on.
    pub(super) fn reference(&mut self) -> Result<Reference, BadTemplate> {
        let name = self.name().to_owned();
        let mut links = Vec::new();
        loop {
            if self.peek() == Some(b'[') {
                self.at += 1;
                let index = self.deeper(Self::parameter)?;
                if !self.take("]") {
                    return Err(self.bad("an index that is not closed"));
                }
                links.push(Link::Index(index));
                continue;
            }
            // A dot that no letter follows ends the sentence, not the reference.
            let mut after = self.rest().bytes();
            if after.next() != Some(b'.') || !after.next().is_some_and(|b| b.is_ascii_alphabetic())
            {
                return Ok(Reference { name, links });
            }
            self.at += 1;
            let link = self.name();
            if self.take("(") {
                let arguments = self.deeper(Self::arguments)?;
                links.push(Link::Method(link.to_owned(), arguments));
            } else {
                links.push(Link::Property(link.into()));
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, BadTemplate> {
        self.skip_space();
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.parameter()?);
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                return Err(self.bad("arguments that are not closed, or that compute something"));
            }
        }
    }
}

impl<'t> Reader<'t> {
    /// Takes the name that comes next, which may have hyphens in it.
    pub(super) fn name(&mut self) -> &'t str {
        self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }
}
