//! Texts that nobody would write, made of what topologies are made of.

use crate::random::Random;

/// Names, values and what stands between, of every kind that KDL has, and some that it has not.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "a", "-", "+.x", "\"x\"", "\"\"", "\"a\\\n  b\"", "\"\\u{e9}\\n\"", "\"\\q\"", "#\"r\"aw\"#",
    "##\"\"#\"##", "\"\"\"", "\"\"\"\n  two\n    lines\n  \"\"\"", "#\"\"\"\n \"\"\" \\\n \"\"\"#", "\"",
    "#\"", "\"#", "#", "##", "\\", "\\\n", "\\ // c\r", "1", "-2.5", "0x1f", "1_000", "1e3", "1e999",
    "99999999999999999999999999999999999999999", "10k", "#true", "#null", "#nan", "true", "=", "=", "{",
    "{", "}", "}", ";", " ", " ", "\t", "\u{a0}", "\u{3000}", "\n", "\n", "\r\n", "\r", "\u{b}", "\u{c}",
    "\u{85}", "\u{2028}", "\u{2029}", "/-", "/-{", "//", "// c\n", "/*", "*/", "/* /* c */ */", "(", ")",
    "(t)", "[", "]", "'", "'x'", "é", "🔑", "\u{feff}", "\0", "\u{1b}", "\u{7f}", "\u{202e}", "${", "${v}",
    "$${v}", "}",
];

/// Words of the language, so that what is made gets further than the parser.
const HEADS: &str = r##"
    queue exchange stream super-stream vhost policy operator-policy bind dead-letter retry template for
    include variable environment set broker topology lint allow user permission password message
    publish-to payload key one-of service consumes publishes on calls answers rpc request response type
    enum limits shovel source destination federation-upstream federation-upstream-set upstream parameter
    global-parameter value header argument max-length message-ttl overflow external important rabbitmq
    pattern
"##;

/// What stands after them.
const VALUES: &str = r##"
    "a" "b" "${v}" "${v}${v}" "${name}.${v}" "a.*.#" "{a}.b" "quorum" "classic" "topic" "fanout" "5s"
    "10MB" "3.10" 0 3 -1 9223372036854775807 #true "^a" "(" "b.kdl" "*.kdl" "string" "list<a>"
    "amqp://u:p@h/%2f" "" "unbounded-queue"
"##;

/// Names of properties.
const KEYS: &str = r##"
    use use type routing-key from to default max-length then vhost priority pattern apply-to prefetch
    env name level version partitions match amqp uri v
"##;

/// Any of that, in any order.
fn pieces(random: &mut Random) -> String {
    (0..1 + random.below(60)).map(|_| random.of(PIECES)).collect()
}

/// One or two pieces again and again: what takes time that grows faster than its text shows here.
fn repeated(random: &mut Random) -> String {
    let (before, one, other, after) =
        (random.of(PIECES), random.of(PIECES), random.of(PIECES), random.of(PIECES));
    let between = if random.below(2) == 0 { "" } else { " " };
    let times = 1 + random.below(400);
    let body = format!("{one}{between}{other}{between}");
    let mut text = format!("{before} {}{after}", body.repeat(times));
    if random.below(3) == 0 {
        // and closed again as often
        text.push_str(&random.of(&["}", "*/", "\"", ")", "\n}"]).repeat(times));
    }
    text
}

/// Nodes of the language with what may be theirs, nested, and now and then a piece of anything.
fn nodes(random: &mut Random, depth: usize, out: &mut String) {
    for _ in 0..1 + random.below(5) {
        if random.below(30) == 0 {
            out.push_str(random.of(PIECES));
        }
        out.push_str(random.word(HEADS));
        for _ in 0..random.below(4) {
            out.push(' ');
            if random.below(3) == 0 {
                out.push_str(random.word(KEYS));
                out.push('=');
            }
            out.push_str(random.word(VALUES));
        }
        if depth < 5 && random.below(3) == 0 {
            out.push_str(" {\n");
            nodes(random, depth + 1, out);
            out.push('}');
        }
        out.push_str(random.of(&["\n", "\n", "\n", "; ", "\r\n", " // c\n"]));
    }
}

/// Templates and loops that use and hold one another.
fn reuse(random: &mut Random) -> String {
    let mut out = String::from("variable \"v\" default=\"x\"\n");
    let names = ["a", "b", "c", "d"];
    for name in names {
        let uses: String = match random.below(3) {
            0 => format!(" use=\"{}\"", random.of(&names)),
            _ => String::new(),
        };
        out.push_str(&format!("template \"{name}\"{uses} {{\n"));
        for _ in 0..random.below(4) {
            match random.below(4) {
                0 => out.push_str(&format!("    bind \"x\" use=\"{}\"\n", random.of(&names))),
                1 => out.push_str("    for \"v\" \"${v}${v}\" 1 { bind \"${v}\" routing-key=\"${name}\" }\n"),
                2 => out.push_str("    max-length \"${v}\"\n"),
                _ => out.push_str("    allow \"unbounded-queue\"\n"),
            }
        }
        out.push_str("}\n");
    }
    let loops = random.below(6);
    for _ in 0..loops {
        out.push_str(random.of(&[
            "for \"v\" \"${v}${v}\" {\n",
            "for \"v\" from=1 to=3 {\n",
            "for \"v\" \"a\" \"b\" {\n",
        ]));
    }
    out.push_str(&format!("queue \"q.${{v}}\" use=\"{}\"\n", random.of(&names)));
    out.push_str(&"}\n".repeat(loops));
    out
}

/// A text, or several that may include one another: `a.kdl` and so on.
pub(crate) fn made(random: &mut Random) -> Vec<String> {
    let one = |random: &mut Random| match random.below(5) {
        0 => pieces(random),
        1 => repeated(random),
        2 => reuse(random),
        _ => {
            let mut out = String::new();
            nodes(random, 0, &mut out);
            out
        }
    };
    if random.below(6) > 0 {
        return vec![one(random)];
    }
    let including = |random: &mut Random| {
        let mut out = String::new();
        for _ in 0..1 + random.below(4) {
            let file = random.of(&["a.kdl", "b.kdl", "c.kdl", "*.kdl", "d.kdl"]);
            out.push_str(&match random.below(3) {
                0 => format!("include \"{file}\"\n"),
                1 => format!("vhost \"{}\" {{ include \"{file}\" }}\n", random.below(3)),
                _ => format!(
                    "for \"v\" 1 2 {{ include \"{file}\"; include \"{}\" }}\n",
                    random.of(&["b.kdl", "c.kdl"])
                ),
            });
        }
        nodes(random, 3, &mut out);
        out
    };
    (0..3).map(|_| including(random)).collect()
}
