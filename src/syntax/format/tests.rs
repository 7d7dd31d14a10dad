//! What the formatter must never do: change a meaning, lose a comment, or want to be run twice.

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Option<Vec<Node>> {
    let (mut sources, mut report) = (SourceMap::default(), Report::default());
    let file = sources.add("a.kdl", text);
    let nodes = parse(&sources, file, &mut report);
    (!report.has_errors()).then_some(nodes)
}

#[track_caller]
fn holds(text: &str) {
    let Some(nodes) = parsed(text) else { return };
    let once = print(text);
    let again = parsed(&once);
    assert!(again.is_some_and(|again| same(&nodes, &again)), "{text:?} becomes {once:?}");
    assert_eq!(print(&once), once, "from {text:?}");
    let comments = |text: &str| text.matches("NOTE").count();
    assert_eq!(comments(text), comments(&once), "{text:?} becomes {once:?}");
}

#[test]
fn comments_stay_where_they_are() {
    let text = "// a\nqueue \"a\"{ // b\n\n\n // c\n  bind  \"x\"   // d\n /* e */\n}  // f\n\n\n// g\n";
    let set = "// a\nqueue \"a\" { // b\n    // c\n    bind \"x\"   // d\n    /* e */\n}  // f\n\n// g\n";
    assert_eq!(print(text), set);
}

#[test]
fn short_lines_stay_whole_and_long_ones_break_at_every_node() {
    assert_eq!(print("a {b;c   1}"), "a { b; c 1 }\n");
    let long = "b".repeat(60);
    assert_eq!(
        print(&format!("a {{ {long}; {long}; c; d }}")),
        format!("a {{\n    {long}\n    {long}\n    c\n    d\n}}\n")
    );
}

#[test]
fn ends_of_lines_stay_as_they_are() {
    assert_eq!(print("a  1\r\nb {\r\nc\r\n}\r\n"), "a 1\r\nb {\r\n    c\r\n}\r\n");
    assert_eq!(print(""), "");
    assert_eq!(print("\n\n"), "");
}

#[test]
fn tight_and_torn_words_are_set_once_and_for_all() {
    holds("exchan//NOTE \"a");
    holds("queue \\\n \"a\" \\\n = 1");
    assert_eq!(print("a//NOTE \"b"), "a //NOTE \"b\n");
    assert_eq!(print("a/*NOTE*/1"), "a /*NOTE*/ 1\n");
}

/// Space, and what counts as space, between two entries.
fn space() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just(" "), 1 => Just("\t  "), 1 => Just(" /* NOTE */ "), 1 => Just(" /* NOTE\n/* in */ */"),
        1 => Just(" \\\n "), 1 => Just(" \\ // NOTE\n"), 1 => Just(" \\\n\\\n"), 1 => Just("\u{a0}"),
    ]
    .prop_map(str::to_owned)
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a"),
        Just("b-c.d"),
        Just("\"x y\""),
        Just("\"\\\"{;\""),
        Just("#\"r\"aw\"#"),
        Just("\"\""),
        Just("\"\"\"\n  two\n    lines\n  \"\"\""),
        Just("#\"\"\"\n\t\"q\" \\ //\n\t\"\"\"#"),
        Just("\"é\""),
        Just("\"a\\\n   b\""),
        Just("##\"\"#\"##"),
    ]
    .prop_map(str::to_owned)
}

fn entry() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        word(),
        prop_oneof![Just("1"), Just("-2.5"), Just("#true"), Just("#null"), Just("0x1f"), Just("1_000")]
            .prop_map(str::to_owned)
    ];
    let equals = prop_oneof![
        8 => Just("="), 1 => Just(" = "), 1 => Just(" /* NOTE */="), 1 => Just("= /* NOTE */ "), 1 => Just("=\\\n ")
    ];
    let dash = prop_oneof![6 => Just(""), 1 => Just("/-"), 1 => Just("/- "), 1 => Just("/-\n"), 1 => Just("/- // NOTE\n ")];
    (dash, proptest::option::of((word(), equals)), value).prop_map(|(dash, key, value)| match key {
        Some((key, equals)) => format!("{dash}{key}{equals}{value}"),
        None => format!("{dash}{value}"),
    })
}

fn end() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("\n"), 3 => Just(";"), 1 => Just("; // NOTE\n"), 2 => Just(" // NOTE  \n"), 1 => Just("\n\n\n"),
        1 => Just(" /* NOTE */\n"), 1 => Just("; /* NOTE */ "), 1 => Just("\r\n"), 1 => Just("\n/* NOTE */\n\n"),
        1 => Just("\n// NOTE\n"), 1 => Just("\n\\\n"),
    ]
}

fn document() -> impl Strategy<Value = String> {
    let node = (word(), proptest::collection::vec((space(), entry()), 0..4), Just(String::new()))
        .prop_map(|(name, entries, _)| header(&name, &entries));
    let document = |node: BoxedStrategy<String>| {
        let dash = prop_oneof![8 => Just(""), 1 => Just("/-"), 1 => Just("/- \n"), 1 => Just("/-// NOTE\n")];
        proptest::collection::vec((dash, node, end()), 0..5).prop_map(|nodes| {
            nodes.into_iter().map(|(dash, node, end)| format!("{dash}{node}{end}")).collect::<String>()
        })
    };
    document(node.boxed()).prop_recursive(3, 24, 4, move |inner| {
        let open = prop_oneof![4 => Just("{"), 2 => Just("{\n"), 1 => Just("{ // NOTE\n"), 1 => Just("/-{"), 1 => Just("{ /* NOTE */")];
        let node = (word(), proptest::collection::vec((space(), entry()), 0..3), space(), open, inner)
            .prop_map(|(name, entries, space, open, inner)| {
                format!("{}{space}{open}{inner}}}", header(&name, &entries))
            });
        document(node.boxed())
    })
}

fn header(name: &str, entries: &[(String, String)]) -> String {
    entries.iter().fold(name.to_owned(), |node, (space, entry)| node + space + entry)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn meaning_and_comments_stay_and_twice_is_once(text in document()) {
        holds(&text);
    }
}
