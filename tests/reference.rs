//! The reference is what the kinds say, and what it shows is true: every example compiles.

use topoc::{
    kind::{
        Attribute, COMMON, KINDS, Kind, KindId, WORDS,
        reference::{self, Part},
    },
    lint,
    syntax::{Inputs, MemorySources},
};

/// A topology with the files that examples name.
fn sources(text: &str) -> MemorySources {
    MemorySources::default()
        .with("topology.kdl", text)
        .with("teams/shop.kdl", "vhost \"shop\" { exchange \"shop\" type=\"topic\" }")
        .with("vhosts/shop.kdl", "vhost \"shop\" { exchange \"shop\" type=\"topic\" }")
        .with("common/exchanges.kdl", "exchange \"events\" type=\"topic\"")
        .with("schemas/shipment-moved.schema.json", "{ \"type\": \"object\", \"properties\": {} }")
}

/// What compiling a topology says, one line a diagnostic.
fn said(text: &str) -> Vec<String> {
    let sources = sources(text);
    let compiled = topoc::compile(&["topology.kdl".to_owned()], &sources, &Inputs::default());
    let lines = compiled.report.diagnostics().iter().map(|d| {
        let place = compiled.sources.line_of(d.primary()).unwrap_or_default();
        format!("{place} {}: {}", d.code.name, d.message)
    });
    lines.collect()
}

#[test]
fn schema_is_up_to_date() {
    let current = |name: &str| {
        let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let wanted = [
        ("topoc.schema.json", format!("{:#}\n", reference::json())),
        ("reference.md", reference::markdown()),
        ("lints.md", lint::index()),
    ];
    for (name, wanted) in wanted {
        assert!(current(name) == wanted, "schema/{name} is not what the code says: run scripts/generate");
    }
}

/// The KDL blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```kdl\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_page_has_an_example_that_raises_no_error() {
    for kind in KINDS {
        let blocks = blocks(kind.page);
        assert!(!blocks.is_empty(), "{} has no example", kind.keyword);
        assert!(kind.page.starts_with(&format!("# {}\n", kind.keyword)), "{}", kind.keyword);
        blocks.into_iter().for_each(|block| raises_no_error(kind.keyword, block));
    }
    for word in WORDS {
        let blocks = blocks(word.page);
        assert!(!blocks.is_empty(), "{} has no example", word.name);
        assert!(word.page.starts_with(&format!("# {}\n", word.name)), "{}", word.name);
        blocks.into_iter().for_each(|block| raises_no_error(word.name, block));
    }
}

fn raises_no_error(name: &str, block: &str) {
    assert_eq!(said(block), Vec::<String>::new(), "{name}");
    let checked = topoc::check(&["topology.kdl".to_owned()], &sources(block), &Inputs::default());
    assert!(!checked.report.has_errors(), "{name}: {:#?}", checked.report);
}

/// A topology in which an attribute's or child node's example stands where it belongs.
fn scaffold(kind: &Kind, on: &[&str], example: &str) -> String {
    let first = example.split_whitespace().next().unwrap_or("");
    let top = KINDS.iter().any(|kind| kind.keyword == first) || first == "stream" || first == "super-stream";
    let child_of_own = match kind.id {
        // words that are a kind's keyword and a child's
        KindId::User | KindId::Service => matches!(first, "permission" | "topic-permission" | "limits"),
        KindId::Permission | KindId::TopicPermission => first == "vhost",
        KindId::Rpc => matches!(first, "queue" | "vhost"),
        KindId::FederationUpstream => matches!(first, "exchange" | "queue"),
        KindId::Policy | KindId::OperatorPolicy => first.starts_with("federation-upstream"),
        _ => false,
    };
    if kind.id == KindId::User && child_of_own {
        return format!("vhost \"shop\"; user \"u\" {{ {example} }}");
    }
    if top && !child_of_own {
        return match kind.id {
            KindId::TopicPermission | KindId::Permission if first == "user" => {
                format!("vhost \"shop\"; {example}")
            }
            KindId::TopicPermission | KindId::Permission => {
                format!("vhost \"shop\"; user \"u\" {{ {example} }}")
            }
            KindId::Exchange if first == "exchange" && !example.contains("type=") => {
                format!("{example} type=\"topic\"")
            }
            KindId::Rpc => {
                format!("{example} {{ request \"A\"; response \"A\"; queue \"q\" }}; type \"A\"; queue \"q\"")
            }
            KindId::Service => format!("{example}\n{NAMES}"),
            KindId::Shovel => format!("{example} {{ source queue=\"old\" }}"),
            _ => example.to_owned(),
        };
    }
    let property = first.contains('=');
    let (keyword, rest) = match kind.id {
        KindId::Vhost => ("vhost \"v\"", ""),
        KindId::User => ("user \"u\"", ""),
        KindId::Permission | KindId::TopicPermission => {
            let name = first.split('=').next().unwrap_or("");
            if name == "vhost" {
                let node = match kind.id {
                    KindId::Permission => "permission configure=\"\" write=\"\" read=\"\"",
                    _ => "topic-permission \"orders\" write=\"\" read=\"\"",
                };
                return format!(
                    "{example} {{ exchange \"orders\" type=\"topic\" }}; user \"u\" {{ {node} {{ {example} }} }}"
                );
            }
            let rest: String = ["configure", "write", "read"]
                .into_iter()
                .filter(|other| *other != name && (kind.id == KindId::Permission || *other != "configure"))
                .map(|other| format!(" {other}=\"\""))
                .collect();
            let node =
                if kind.id == KindId::Permission { "permission" } else { "topic-permission \"orders\"" };
            return format!("user \"u\" {{ {node} {example}{rest} }}");
        }
        KindId::GlobalParameter => ("global-parameter \"g\"", ""),
        KindId::Parameter if first == "value" => ("parameter \"p\" component=\"c\"", ""),
        KindId::Parameter => ("parameter \"p\"", "value 1"),
        KindId::FederationUpstream if first == "uri" => ("federation-upstream \"f\"", ""),
        KindId::FederationUpstream => ("federation-upstream \"f\" uri-env=\"U\"", ""),
        KindId::FederationUpstreamSet => ("federation-upstream-set \"s\"", ""),
        KindId::Shovel if first == "source" => ("shovel \"s\"", ""),
        KindId::Shovel => ("shovel \"s\"", "source queue=\"old\""),
        KindId::Policy | KindId::OperatorPolicy if first == "pattern" => ("policy \"p\"", "max-length 5"),
        KindId::Policy | KindId::OperatorPolicy if matches!(first, "apply-to" | "priority") => {
            ("policy \"p\" pattern=\"^p$\"", "max-length 5")
        }
        KindId::Policy | KindId::OperatorPolicy => ("policy \"p\" pattern=\"^p$\"", ""),
        KindId::Exchange if first == "type" => ("exchange \"e\"", ""),
        KindId::Exchange if on == ["x-delayed-message"] => ("exchange \"e\" type=\"x-delayed-message\"", ""),
        KindId::Exchange if !on.is_empty() => {
            return format!("exchange \"e\" type={:?} {{ {example} }}", on[0]);
        }
        KindId::Exchange => ("exchange \"e\" type=\"topic\"", ""),
        KindId::Queue => ("queue \"q\"", ""),
        KindId::Binding if first == "bind" => ("queue \"q\"", ""),
        KindId::Binding => return format!("queue \"q\" {{ bind \"e\" {{ {example} }} }}"),
        KindId::Type => ("type \"T\"", ""),
        KindId::Enum => ("enum \"E\" \"a\"", ""),
        KindId::Message if first == "key" => {
            ("message \"M\"", "publish-to \"amq.topic\" routing-key=\"order.{country}\"")
        }
        KindId::Message if example.contains("{country}") => {
            ("message \"M\"", "payload { country \"string\" }")
        }
        KindId::Message => ("message \"M\"", ""),
        KindId::Rpc => {
            let others: Vec<&str> = ["request \"A\"", "response \"A\"", "queue \"q\""]
                .into_iter()
                .filter(|other| !other.starts_with(first))
                .collect();
            return format!(
                "rpc \"R\" {{ {}; {example} }}\nqueue \"q\"\n{NAMES} {}",
                others.join("; "),
                "vhost \"shop\"; type \"A\"; type \"PaymentRequest\"; type \"PaymentDecision\""
            );
        }
        KindId::Service => return format!("service \"s\" {{ {example} }}\n{NAMES}"),
        KindId::VhostLimits | KindId::UserLimits => ("vhost \"v\"", ""),
    };
    if property {
        return format!("{keyword} {example} {{ {rest} }}");
    }
    format!("{keyword} {{ {example}; {rest} }}")
}

/// What the examples of services name.
const NAMES: &str = "\
message \"OrderCreated\"; message \"InventoryReserved\"
type \"Ask\"; type \"Tell\"; queue \"ask\"
rpc \"ConfirmPayment\" { request \"Ask\"; response \"Tell\"; queue \"ask\" }
";

#[test]
fn every_example_compiles() {
    let mut wrong = Vec::new();
    for kind in KINDS {
        let attributes = kind
            .all_attributes()
            .map(|attribute: &Attribute| (attribute.name, attribute.on, attribute.example));
        let no_type: &[&str] = &[];
        let nested = kind.nested.iter().map(|nested| (nested.keyword, no_type, nested.example));
        for (name, on, example) in attributes.chain(nested) {
            let text = scaffold(kind, on, example);
            let said = said(&text);
            if !said.is_empty() {
                wrong.push(format!("{} {name}: {said:?}\n{text}", kind.keyword));
            }
        }
    }
    for part in reference::parts() {
        let (of, name, example) = match part {
            Part::Form(of, form) => (of[0], form.keyword, form.example),
            Part::Property(of, property) => (of, property.name, property.example),
        };
        // what stands in a child node is shown with it, and that in an entity of a kind that has it
        let first = example.split_whitespace().next().unwrap_or("");
        let kinds = KINDS.iter().filter(|kind| kind.id != KindId::Vhost);
        let holders = kinds.filter(|kind| kind.nested.iter().any(|form| form.keyword == first));
        let mut texts: Vec<String> = holders.map(|kind| scaffold(kind, &[], example)).collect();
        if first == "allow" {
            texts.push(format!("queue \"q\" {{ {example} }}"));
        }
        texts.push(example.to_owned());
        texts.push(format!("variable \"region\" default=\"us\"\n{example}"));
        if !texts.iter().any(|text| said(text).is_empty()) {
            wrong.push(format!("{name} of {of}: {:?}\n{texts:?}", said(&texts[0])));
        }
    }
    for nested in COMMON {
        let said = said(&format!("queue \"q\" {{ {} }}", nested.example));
        assert_eq!(said, Vec::<String>::new(), "{}", nested.keyword);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
