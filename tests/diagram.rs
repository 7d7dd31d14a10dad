//! What is drawn: a case is a topology in tests/diagram, and its snapshot shows both texts that come of it.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use topoc::{
    diagram::{self, Options, Picture, Unknown},
    graph::Graph,
    syntax::{Inputs, MemorySources, quote},
};

/// The lints that the cases show; what others find in them is theirs to say, and no reason for a new picture.
const SHOWN: &[&str] = &["unknown-exchange", "unknown-queue", "dlx-missing-exchange", "ae-missing"];

fn drawn(source: &str, options: &Options) -> Result<Picture, Unknown> {
    let sources = MemorySources::default().with("topology.kdl", source);
    let mut compiled = topoc::check(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    compiled.report.retain(|found| SHOWN.contains(&found.code.name));
    let graph = Graph::new(&compiled.topology);
    diagram::draw(&graph, &compiled.sources, &compiled.report, options)
}

fn all(source: &str) -> Picture {
    drawn(source, &Options::default()).expect("nothing is asked for by name")
}

fn focus(source: &str, name: &str, depth: Option<usize>) -> Picture {
    let options = Options { focus: Some(name.to_owned()), depth, ..Options::default() };
    drawn(source, &options).expect("the name is there")
}

/// What Graphviz says of a text; the picture as SVG.
fn graphviz(dot: &str) -> (bool, String, String) {
    let mut child = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Graphviz' dot is on the path: apt-get install graphviz");
    let mut stdin = child.stdin.take().expect("it is piped");
    let text = dot.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    feeder.join().expect("it ends").expect("dot reads all of it");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stderr), text(&output.stdout))
}

#[test]
fn pictures() {
    insta::glob!("diagram/*.kdl", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let picture = all(&source);
        let (drawn, said, _) = graphviz(&picture.dot());
        assert_eq!((drawn, said.as_str()), (true, ""));
        insta::assert_snapshot!(format!(
            "{source}\n--- dot\n{}\n--- mermaid\n{}",
            picture.dot(),
            picture.mermaid()
        ));
    });
}

#[test]
fn the_same_topology_gives_the_same_bytes() {
    let source = include_str!("topologies/sixty-queues.kdl");
    let (first, second) = (all(source), all(source));
    assert_eq!(first.dot(), second.dot());
    assert_eq!(first.mermaid(), second.mermaid());
}

const NASTY: &[&str] = &[
    r#"quote " in"#,
    r"back\slash\",
    r"\N \G \l",
    "new\nline\ttab\u{1}bell\u{7}",
    "<b>bold</b> & <i",
    "&lt; &amp; &#65;",
    "{a|b}|<port>",
    "größe 数 😀 \u{202e}turned",
    "-- > -> ;;; # %% %%{init}%%",
    "end",
    "graph subgraph style:x#y;",
    "1. list",
    "- list",
    "`code` **bold**",
    "]]> <!-- -->",
    " ",
    "x--y:::z@{ shape: rect }",
];

fn nasty() -> String {
    let mut source = format!("topology {} {{ rabbitmq \"3.12\" }}\n", quote("a \"b\" \\ <c> & {d}"));
    let long = "n".repeat(255);
    let names = NASTY.iter().copied().chain([long.as_str()]);
    for (index, name) in names.enumerate() {
        let vhost = quote(name);
        let _ = writeln!(
            source,
            "vhost {vhost} {{
                exchange {name} type=\"topic\"
                queue {name} type=\"quorum\" {{ bind {name} routing-key={name}; retry \"1s\" then={dead} }}
                queue {other} type=\"classic\" {{ dead-letter {missing} routing-key={name} }}
            }}
            message \"M{index}\" {{ publish-to {name} routing-key={name} vhost={vhost} }}
            service {name} {{ publishes \"M{index}\"; consumes {name} vhost={vhost} {{ on \"M{index}\" }} }}",
            name = quote(name),
            dead = quote(&format!("{}.dead", name.chars().take(100).collect::<String>())),
            other = quote(&format!("{}!", name.chars().take(100).collect::<String>())),
            missing = quote(&format!("{}?", name.chars().take(100).collect::<String>())),
        );
    }
    source
}

#[test]
fn graphviz_reads_any_name() {
    let options = Options { all: true, expand: true, ..Options::default() };
    let picture = drawn(&nasty(), &options).unwrap();
    assert!(picture.size().0 > 6 * NASTY.len(), "{:?}", picture.size());
    let (drawn, said, svg) = graphviz(&picture.dot());
    assert!(drawn && said.is_empty(), "{said}");
    // names come out as they went in, but for what cannot be seen
    for name in
        ["quote &quot; in", r"back\slash\", "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;i", "&amp;lt; &amp;amp;"]
    {
        let found = svg.replace("&#45;", "-").replace('\u{a0}', " ");
        assert!(found.contains(name), "{name}");
    }
}

#[test]
fn mermaid_labels_hold_nothing_that_mermaid_reads() {
    let options = Options { all: true, ..Options::default() };
    let text = drawn(&nasty(), &options).unwrap().mermaid();
    for line in text.lines().filter(|line| line.contains('"') && !line.starts_with("title:")) {
        let labels: Vec<&str> = line.split('"').collect();
        assert_eq!(labels.len(), 3, "one quoted label a line: {line}");
        let label = labels[1].replace("<br/>", "").replace("<b>", "").replace("</b>", "");
        assert!(!label.contains(['<', '>', '`', '\\', '{', '}', '|', '*', ':', '&']), "{line}");
    }
}

#[test]
fn the_neighbourhood_follows_the_keys() {
    let source = include_str!("diagram/elements.kdl");
    let around = focus(source, "OrderCreated", None);
    let dot = around.dot();
    for there in ["front", "orders", "work", "back", "work.dead", "events"] {
        assert!(dot.contains(&format!("<b>{there}</b>")), "{there}: {dot}");
    }
    // its key takes no binding that leads there
    for elsewhere in ["many", "shards", "unrouted", "vip", "OrderPaid", "order.paid"] {
        assert!(!dot.contains(&format!("<b>{elsewhere}</b>")), "{elsewhere}: {dot}");
    }
    let near = focus(source, "work", Some(1)).size();
    assert!(near.0 < all(source).size().0, "{near:?}");
}

#[test]
fn a_part_is_drawn_as_it_is_in_the_whole() {
    let source = "exchange \"e\" type=\"direct\"
        queue \"a\" type=\"quorum\" { dead-letter \"\" routing-key=\"b\" }
        queue \"b\" type=\"quorum\" { bind \"e\" routing-key=\"b\" }
        queue \"c\" type=\"quorum\" { dead-letter \"\" routing-key=\"d\" }
        queue \"d\" type=\"quorum\"";
    // not only dead letters come to `b`, though they are all that come from `a`
    assert!(!focus(source, "a", None).dot().contains("only dead letters"));
    assert!(focus(source, "c", None).dot().contains("only dead letters"));
}

#[test]
fn a_name_that_is_not_there_gets_the_nearest() {
    let options = Options { focus: Some("wrok".to_owned()), ..Options::default() };
    let unknown = drawn(include_str!("diagram/elements.kdl"), &options).unwrap_err();
    assert_eq!(unknown.message, "nothing is called `wrok`");
    assert_eq!(unknown.help, "did you mean `work`?");
    let options = Options { vhost: Some("shp".to_owned()), ..Options::default() };
    let unknown = drawn(include_str!("diagram/elements.kdl"), &options).unwrap_err();
    assert_eq!(unknown.help, "did you mean `shop`?");
}

#[test]
fn many_that_are_alike_are_one() {
    let source = include_str!("topologies/sixty-queues.kdl");
    let folded = all(source);
    assert_eq!(
        folded.notes(),
        [
            "`feed.*` stands for 12 queues that are alike",
            "`feed.*.dead` stands for 12 queues that are alike",
            "`clicks.*` stands for 8 queues that are alike"
        ]
    );
    let each = drawn(source, &Options { all: true, ..Options::default() }).unwrap();
    assert_eq!(each.size().0 - folded.size().0, 11 + 11 + 7);
    assert!(each.notes().is_empty());
    let expanded = drawn(source, &Options { all: true, expand: true, ..Options::default() }).unwrap();
    // the delay queues of six ladders, and six partitions
    assert_eq!(expanded.size().0 - each.size().0, (3 + 2 + 4 + 2 + 3 + 3) + 6);
}

/// Sixty queues that no `for` made, each with other keys, on one exchange.
fn sixty_unlike() -> String {
    let mut source = "exchange \"events\" type=\"topic\"\n".to_owned();
    for index in 0..60 {
        let name = format!("{}{}", char::from(b'a' + index / 26), char::from(b'a' + index % 26));
        let kind = if index % 3 == 0 { "classic" } else { "quorum" };
        let keys = (0..=index % 4).map(|key| format!("bind \"events\" routing-key=\"{name}.{key}\""));
        let keys: Vec<String> = keys.collect();
        let _ = writeln!(source, "queue \"{name}\" type=\"{kind}\" {{ {} }}", keys.join("; "));
    }
    source
}

#[test]
fn many_on_one_exchange_fit_a_screen() {
    let picture = all(&sixty_unlike());
    let (drawn, said, svg) = graphviz(&picture.dot());
    assert!(drawn && said.is_empty(), "{said}");
    let number = |name: &str| -> f64 {
        let rest = svg.split_once(&format!("{name}=\"")).expect("an SVG has a size").1;
        rest.split("pt").next().and_then(|number| number.parse().ok()).expect("in points")
    };
    let (width, height) = (number("<svg width"), number(" height"));
    assert!((1.0..2.2).contains(&(width / height)) && width < 1600.0, "{width} x {height}");
    // from the top in the order of the topology
    let places: Vec<f64> = ["aa", "am", "bb", "ch"]
        .into_iter()
        .map(|name| {
            let before = svg.split_once(&format!(">{name}</text>")).expect("it is drawn").0;
            let rest = before.rsplit_once(" y=\"").expect("text has a place").1;
            rest.split('"').next().and_then(|number| number.parse().ok()).expect("a number")
        })
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    // each keeps its keys
    assert_eq!(svg.matches(".0</text>").count(), 60);
    // a few stay as they are
    let few = all("exchange \"e\" type=\"topic\"\nqueue \"q\" { bind \"e\" routing-key=\"k\" }");
    assert!(!few.dot().contains("compound"));
}

#[test]
fn the_default_exchange_is_a_way_not_a_place() {
    let source = "queue \"q\" type=\"quorum\"
        message \"M\" { publish-to \"\" routing-key=\"q\" }
        message \"T\" { publish-to \"amq.topic\" routing-key=\"t\" }
        service \"s\" { publishes \"M\"; publishes \"T\" }";
    let (dot, mermaid) = (all(source).dot(), all(source).mermaid());
    assert!(mermaid.contains("service_s -->|\"M\"| queue_q\n"), "{mermaid}");
    assert!(mermaid.contains("service_s -->|\"T\"| exchange_amq_topic\n"), "{mermaid}");
    assert!(!dot.contains("default exchange") && !dot.contains("no such"), "{dot}");
}

#[test]
fn nothing_is_a_picture_too() {
    let (drawn, said, _) = graphviz(&all("").dot());
    assert!(drawn && said.is_empty(), "{said}");
}

mod verb {
    use assert_cmd::Command;

    fn topoc() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topoc"));
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagram"));
        command
    }

    fn said(command: &mut Command) -> (i32, String, String) {
        let output = command.output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().expect("it ends by itself"), text(&output.stdout), text(&output.stderr))
    }

    #[test]
    fn the_ending_says_the_form() {
        let folder = tempfile::tempdir().unwrap();
        for (name, start) in
            [("a.dot", &b"digraph"[..]), ("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.mmd", b"---\ntitle")]
        {
            let path = folder.path().join(name);
            let (code, out, _) = said(topoc().args(["graph", "elements.kdl", "-o"]).arg(&path));
            assert_eq!((code, out.as_str()), (0, ""), "{name}");
            assert!(std::fs::read(&path).unwrap().starts_with(start), "{name}");
        }
        let (code, _, error) = said(topoc().args(["graph", "elements.kdl", "-o", "a.pdf"]));
        assert_eq!(code, 2);
        assert!(error.contains("--format dot"), "{error}");
    }

    #[test]
    fn without_graphviz_it_says_what_to_do() {
        let mut command = topoc();
        let (code, out, error) =
            said(command.args(["graph", "elements.kdl", "--format", "svg"]).env("TOPOC_DOT", "/no/dot"));
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(error.contains("apt-get install graphviz") && error.contains("--format mermaid"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_drawn_unless_it_cannot_be_read() {
        let (code, out, _) = said(topoc().args(["graph", "wrong.kdl"]));
        assert_eq!(code, 0);
        assert!(out.contains("unknown-exchange"));
        let (code, out, _) = said(topoc().args(["graph", "wrong.kdl", "--no-lints"]));
        assert_eq!(code, 0);
        assert!(!out.contains("unknown-exchange"));
        let (code, out, error) = said(topoc().args(["graph", "-"]).write_stdin("queue \"a\" {"));
        assert_eq!((code, out.as_str()), (1, ""), "{error}");
        let (code, _, error) = said(topoc().args(["graph", "elements.kdl", "--focus", "wrok"]));
        assert_eq!(code, 2);
        assert!(error.contains("did you mean `work`?"), "{error}");
    }
}
