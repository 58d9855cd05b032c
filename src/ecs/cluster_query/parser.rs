//! Text into a query, by recursive descent: a disjunction of conjunctions of terms, negations and parentheses.

use super::{
    Condition, Query, Term,
    operator::{Comparison, Operator},
    subject::{self, Subject},
    syntax_error::{Expected, SyntaxError},
};

/// Most parentheses and negations in each other, so that no text can use up the stack.
pub(super) const MOST_NESTED: usize = 32;

/// A connective or negation: the word and the symbol for it.
type Spelling = (&'static str, &'static str);

const AND: Spelling = ("and", "&&");
const OR: Spelling = ("or", "||");
const NOT: Spelling = ("not", "!");

pub(super) fn parse(text: &str) -> Result<Query, SyntaxError> {
    let mut parser = Parser { text, rest: text, nested: 0 };
    let query = parser.disjunction()?;
    parser.skip_spaces();
    if parser.rest.is_empty() { Ok(query) } else { Err(parser.error(Expected::End)) }
}

/// Whether a word joins two terms, so that as a value it stands in quotes.
pub(super) fn is_connective(word: &str) -> bool {
    word == AND.0 || word == OR.0
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    nested: usize,
}

impl<'a> Parser<'a> {
    fn disjunction(&mut self) -> Result<Query, SyntaxError> {
        self.chain(OR, Self::conjunction, Query::Or)
    }

    fn conjunction(&mut self) -> Result<Query, SyntaxError> {
        self.chain(AND, Self::operand, Query::And)
    }

    fn chain(
        &mut self,
        connective: Spelling,
        operand: fn(&mut Self) -> Result<Query, SyntaxError>,
        join: fn(Vec<Query>) -> Query,
    ) -> Result<Query, SyntaxError> {
        let first = operand(self)?;
        let mut operands = Vec::new();
        while self.take(connective) {
            operands.push(operand(self)?);
        }
        if operands.is_empty() {
            return Ok(first);
        }
        operands.insert(0, first);
        Ok(join(operands))
    }

    fn operand(&mut self) -> Result<Query, SyntaxError> {
        if self.take(NOT) {
            return Ok(Query::Not(Box::new(self.nest(Self::operand)?)));
        }
        let Some(inside) = self.rest.strip_prefix('(') else {
            return self.term();
        };
        self.rest = inside;
        let query = self.nest(Self::disjunction)?;
        self.skip_spaces();
        self.rest = self.rest.strip_prefix(')').ok_or_else(|| self.error(Expected::ClosingParenthesis))?;
        Ok(query)
    }

    fn nest(&mut self, inner: fn(&mut Self) -> Result<Query, SyntaxError>) -> Result<Query, SyntaxError> {
        if self.nested == MOST_NESTED {
            return Err(self.error(Expected::LessNesting));
        }
        self.nested += 1;
        let query = inner(self);
        self.nested -= 1;
        query
    }

    fn term(&mut self) -> Result<Query, SyntaxError> {
        let subject = self.subject()?;
        let condition = match self.operator(&subject)? {
            Operator::Exists => Condition::Exists,
            Operator::NotExists => Condition::NotExists,
            Operator::In => Condition::In(self.list()?),
            Operator::NotIn => Condition::NotIn(self.list()?),
            Operator::Compare(comparison) => Condition::Compare(comparison, self.argument(comparison)?),
        };
        Ok(Query::Term(Term { subject, condition }))
    }

    fn subject(&mut self) -> Result<Subject, SyntaxError> {
        self.skip_spaces();
        let word = self.word();
        if let Some(name) = word.strip_prefix("attribute:") {
            self.advance(word.len() - name.len());
            if !subject::is_attribute_name(name) {
                return Err(self.error(Expected::AttributeName));
            }
            self.advance(name.len());
            return Ok(Subject::Attribute(name.into()));
        }
        let subject = Subject::named(word).ok_or_else(|| self.error(Expected::Subject))?;
        self.advance(word.len());
        Ok(subject)
    }

    fn operator(&mut self, subject: &Subject) -> Result<Operator, SyntaxError> {
        self.skip_spaces();
        let spelling = self.operator_spelling();
        let operator = Operator::spelled(spelling)
            .filter(|operator| subject.operators().contains(operator))
            .ok_or_else(|| self.error(Expected::OperatorOf(subject.clone())))?;
        self.advance(spelling.len());
        Ok(operator)
    }

    /// A word, maybe with `!` before it, or the longest symbol that is an operator.
    fn operator_spelling(&self) -> &'a str {
        let word = self.rest.strip_prefix('!').unwrap_or(self.rest);
        let letters = length_of(word, |character| character.is_ascii_alphabetic() || character == '_');
        let length = match letters {
            0 if self.rest.get(..2).and_then(Operator::spelled).is_some() => 2,
            0 => 1,
            _ => self.rest.len() - word.len() + letters,
        };
        self.rest.get(..length).unwrap_or_default()
    }

    fn list(&mut self) -> Result<Vec<String>, SyntaxError> {
        self.skip_spaces();
        self.rest = self.rest.strip_prefix('[').ok_or_else(|| self.error(Expected::List))?;
        let mut values = vec![self.value(ends_word)?];
        loop {
            self.skip_spaces();
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Ok(values);
            }
            self.rest = self.rest.strip_prefix(',').ok_or_else(|| self.error(Expected::RestOfList))?;
            values.push(self.value(ends_word)?);
        }
    }

    fn argument(&mut self, comparison: Comparison) -> Result<String, SyntaxError> {
        match comparison {
            Comparison::Matches | Comparison::NotMatches => self.value(ends_pattern),
            _ => self.value(ends_word),
        }
    }

    fn value(&mut self, ends: fn(char) -> bool) -> Result<String, SyntaxError> {
        self.skip_spaces();
        if let Some(quote @ ('\'' | '"')) = self.rest.chars().next() {
            return self.quoted(quote);
        }
        let value = self.bare(ends);
        if value.is_empty() || is_connective(value) {
            return Err(self.error(Expected::Value));
        }
        self.advance(value.len());
        Ok(value.into())
    }

    /// There are no escapes: a backslash is a character of regular expressions.
    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        self.advance(quote.len_utf8());
        let Some((value, rest)) = self.rest.split_once(quote) else {
            self.rest = "";
            return Err(self.error(Expected::ClosingQuote(quote)));
        };
        self.rest = rest;
        Ok(value.into())
    }

    fn bare(&self, ends: fn(char) -> bool) -> &'a str {
        let value = self.rest.split(ends).next().unwrap_or_default();
        [AND.1, OR.1].into_iter().fold(value, |value, symbol| value.split(symbol).next().unwrap_or_default())
    }

    /// Takes a connective or negation, if one is next.
    fn take(&mut self, (word, symbol): Spelling) -> bool {
        self.skip_spaces();
        let taken =
            if self.word() == word { Some(word.len()) } else { self.rest.starts_with(symbol).then_some(symbol.len()) };
        self.advance(taken.unwrap_or_default());
        taken.is_some()
    }

    /// The word that is next: a subject, a connective or a negation.
    fn word(&self) -> &'a str {
        let length = length_of(self.rest, |character| subject::is_part_of_name(character) || character == ':');
        self.rest.get(..length).unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn advance(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }

    fn error(&self, expected: Expected) -> SyntaxError {
        SyntaxError::new(self.text, self.rest, expected)
    }
}

/// Length in bytes of the part that has only such characters.
fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character)).unwrap_or(text.len())
}

fn ends_word(character: char) -> bool {
    ends_pattern(character) || matches!(character, '[' | ']' | ',')
}

/// Brackets and commas belong to regular expressions; parentheses would too, but they are the query's unless quoted.
fn ends_pattern(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '\'' | '"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::cluster_query::samples;
    use proptest::prelude::*;

    /// The query as it is printed, which shows how the parser understood it.
    fn printed(text: &str) -> String {
        Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    #[test]
    fn the_examples_of_the_documentation_of_ecs() {
        for (text, expected) in [
            ("attribute:ecs.instance-type == t2.small", None),
            ("attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", None),
            (
                "attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d",
                Some("attribute:ecs.instance-type =~ 'g2.*' and attribute:ecs.availability-zone != us-east-1d"),
            ),
            ("task:group == service:production", None),
            ("not(task:group == database)", Some("not task:group == database")),
            ("runningTasksCount == 1", None),
            ("agentVersion < 1.14.5", None),
            ("registeredAt < 2018-02-13", None),
            ("registeredAt < 2018-06-18T22:28:28+00:00", None),
            ("registeredAt < 2018-06-18T22:28:28Z", None),
            ("ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", Some("ec2InstanceId in [i-abcd1234, i-wxyx7890]")),
            ("(attribute:a exists or attribute:b exists) and attribute:c exists", None),
        ] {
            assert_eq!(printed(text), expected.unwrap_or(text));
        }
    }

    #[test]
    fn every_operator_in_both_spellings() {
        for operator in Operator::ALL {
            let (first, second) = operator.spellings();
            let argument = match operator {
                Operator::Exists | Operator::NotExists => "",
                Operator::In | Operator::NotIn => "[v, w]",
                Operator::Compare(_) => "v",
            };
            let expected = format!("attribute:a {first} {argument}");
            for text in [&expected, &format!("attribute:a {second}\n{argument}")] {
                assert_eq!(printed(text), expected.trim_end());
            }
        }
    }

    #[test]
    fn precedence_and_how_little_space_is_needed() {
        let (a, b, c) = ("attribute:a exists", "attribute:b exists", "attribute:c exists");
        for (text, expected) in [
            (format!("{a} or {b} and {c}"), format!("{a} or ({b} and {c})")),
            (format!("{a} && {b} || {c}"), format!("({a} and {b}) or {c}")),
            (format!("not {a} and {b}"), format!("not {a} and {b}")),
            (format!("! {a}||!({b}&&{c})"), format!("not {a} or not ({b} and {c})")),
            (format!("not not({a})"), format!("not not {a}")),
            (format!("({a}) and ({b} and {c})"), format!("{a} and ({b} and {c})")),
            (
                "attribute:a==b&&attribute:c!in['d',\"e f\"]".into(),
                "attribute:a == b and attribute:c not_in [d, 'e f']".into(),
            ),
            ("attribute:a>=1 or attribute:a<1".into(), "attribute:a >= 1 or attribute:a < 1".into()),
            (
                "attribute:a =~ [ab],{2} and attribute:a !~ 'x(y|z)'".into(),
                "attribute:a =~ '[ab],{2}' and attribute:a !~ 'x(y|z)'".into(),
            ),
            (
                "attribute:a == 'and' or attribute:b == \"it's\"".into(),
                "attribute:a == 'and' or attribute:b == \"it's\"".into(),
            ),
        ] {
            assert_eq!(printed(&text), expected);
        }
    }

    #[test]
    fn an_error_says_where_and_what_was_expected() {
        use Expected::{
            AttributeName, ClosingParenthesis, ClosingQuote, End, LessNesting, List, OperatorOf, RestOfList, Value,
        };
        let of_a = || OperatorOf(Subject::Attribute("a".into()));
        let too_deep = format!("{}attribute:a exists", "(".repeat(33));
        for (text, column, expected) in [
            ("", 1, Expected::Subject),
            ("  size == 1", 3, Expected::Subject),
            ("attribute:a exists and", 23, Expected::Subject),
            ("attribute: == b", 11, AttributeName),
            ("attribute:a:b == c", 11, AttributeName),
            ("attribute:a", 12, of_a()),
            ("attribute:a = b", 13, of_a()),
            ("attribute:a inside [b]", 13, of_a()),
            ("attribute:a EQUALS b", 13, of_a()),
            ("agentVersion in [1]", 14, OperatorOf(Subject::AgentVersion)),
            ("ec2InstanceId > i-1", 15, OperatorOf(Subject::Ec2InstanceId)),
            ("attribute:a ==", 15, Value),
            ("attribute:a == and attribute:b exists", 16, Value),
            ("attribute:a == [b]", 16, Value),
            ("attribute:a == (b)", 16, Value),
            ("attribute:a in b", 16, List),
            ("attribute:a in []", 17, Value),
            ("attribute:a in [b,]", 19, Value),
            ("attribute:a in [b c]", 19, RestOfList),
            ("attribute:a in [b", 18, RestOfList),
            ("attribute:a == 'b", 18, ClosingQuote('\'')),
            ("(attribute:a exists", 20, ClosingParenthesis),
            ("attribute:a exists)", 19, End),
            ("attribute:a == b c", 18, End),
            ("attribute:a == 'äö' attribute:b exists", 21, End),
            (&too_deep, 34, LessNesting),
        ] {
            let error = Query::parse(text).expect_err(text);
            assert_eq!((error.column, error.expected), (column, expected), "{text}");
        }
    }

    #[test]
    fn an_error_in_words() {
        let words = |text| Query::parse(text).unwrap_err().to_string();
        assert_eq!(
            words("agentVersion ~ 1"),
            "column 14: expected an operator of agentVersion (== != > >= < <=), found \"~\""
        );
        assert_eq!(words("attribute:a in"), "column 15: expected a list like [a, b], found the end");
    }

    proptest! {
        #[test]
        fn a_printed_query_reads_back(query in samples::query()) {
            let text = query.to_string();
            prop_assert_eq!(Query::parse(&text), Ok(query), "{}", text);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Query::parse(&text);
        }

        #[test]
        fn no_text_of_the_language_s_own_pieces_panics(pieces in proptest::collection::vec(samples::piece(), 0..80)) {
            let text = pieces.concat();
            if let Err(error) = Query::parse(&text) {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
            }
        }
    }
}
