//! What becomes of a real broker's answer.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use topoc_test_support::Fate;

/// How a line begins that a name tries to write.
pub(super) const FORGED: &str = "forged: ";

/// What every text of a broker ends with: it clears the screen, writes a line, colours what follows, turns it round.
const SPOKEN: &str = "\u{1b}[2J\r\nforged: all is well\u{9b}31m\u{202e}\u{7}";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// All texts speak to a terminal.
    Named,
    /// Some values are of another type.
    Typed,
    /// Some values are extreme.
    Extreme,
    /// What has a name has none.
    Nameless,
    /// Lists are empty, or what is no list.
    Emptied,
    /// All is there a hundred times.
    Repeated,
    /// A value is deeper than any stack.
    Deep,
    /// The whole answer is.
    Deeper,
    /// A text is of megabytes.
    Huge,
    /// It ends amidst.
    Cut,
    /// It is not JSON.
    Page,
    /// It is not even text.
    Noise,
}

pub(super) const ALL: &[Made] = &[
    Made::Typed,
    Made::Extreme,
    Made::Typed,
    Made::Nameless,
    Made::Emptied,
    Made::Typed,
    Made::Repeated,
    Made::Deep,
    Made::Deeper,
    Made::Typed,
    Made::Huge,
    Made::Cut,
    Made::Page,
    Made::Noise,
    Made::Named,
];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

impl Made {
    /// What an entity of this name is called then.
    pub(super) fn name(self, name: &str) -> String {
        if self == Self::Named { format!("{name}{SPOKEN}") } else { name.to_owned() }
    }

    /// The fate of the answer to this request; the first ones stay as they are now and then, so that others come to it.
    pub(super) fn fate(self, seed: usize, request: usize) -> Fate {
        if self != Self::Named && request <= seed % 4 {
            return Fate::Pass;
        }
        let state = (seed * 31 + request) as u64;
        Fate::Rewritten(Arc::new(move |body| self.body(&body, &mut Random(state))))
    }

    fn body(self, body: &[u8], random: &mut Random) -> Vec<u8> {
        let Ok(mut json) = serde_json::from_slice::<Json>(body) else { return body.to_vec() };
        match self {
            Self::Deeper => return "[".repeat(2_000_000).into_bytes(),
            Self::Cut => return body[..body.len() / 2].to_vec(),
            Self::Page => return format!("<html>{SPOKEN}</html>").into_bytes(),
            Self::Noise => return (0..5_000).map(|_| random.below(256) as u8).collect(),
            _ => self.value(&mut json, random),
        }
        json.to_string().into_bytes()
    }

    fn value(self, json: &mut Json, random: &mut Random) {
        if self == Self::Repeated
            && let Json::Array(items) = json
        {
            *items = items.iter().cycle().take(items.len() * 100).cloned().collect();
            return;
        }
        match json {
            Json::Array(items) => items.iter_mut().for_each(|item| self.value(item, random)),
            Json::Object(members) => {
                if self == Self::Nameless && random.below(8) == 0 {
                    for name in ["name", "vhost", "source", "user"] {
                        members.remove(name);
                    }
                }
                members.values_mut().for_each(|member| self.value(member, random));
            }
            _ => {}
        }
        match self {
            Self::Named => {
                if let Json::String(text) = json {
                    text.push_str(SPOKEN);
                }
            }
            Self::Typed if random.below(12) == 0 => {
                let others = [
                    json!(null),
                    json!(true),
                    json!(5),
                    json!("x"),
                    json!([1, [2]]),
                    json!({"a": {}}),
                    json!(1.5),
                ];
                *json = others[random.below(others.len())].clone();
            }
            Self::Extreme if json.is_number() || json.is_string() => {
                let others = [
                    json!(u64::MAX),
                    json!(i64::MIN),
                    json!(1e308),
                    json!(-1e308),
                    json!(-1),
                    json!(""),
                    json!("\u{0}"),
                    json!("99999999999999999999999999"),
                    json!("(((((((((((((((a*)*)*)*)*)*)*)*)*)*)*)*)*)*)*)*"),
                ];
                if random.below(4) == 0 {
                    *json = others[random.below(others.len())].clone();
                }
            }
            Self::Emptied if json.is_array() && random.below(3) == 0 => {
                *json = [json!([]), json!({}), json!(null), json!("x")][random.below(4)].clone();
            }
            Self::Deep if random.below(20) == 0 => {
                // as deep as the reader of JSON lets through
                for _ in 0..100 {
                    *json = json!([std::mem::take(json)]);
                }
            }
            Self::Huge if json.is_string() && random.below(20) == 0 => {
                *json = "x\u{1b}".repeat(1_000_000).into()
            }
            _ => {}
        }
    }
}
