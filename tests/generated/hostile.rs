//! Names that a topology may have and Rust may not, everywhere that a name can stand.

use topoc::{syntax::quote, topology::FIELD_TYPES};

/// Rust's keywords, of all editions, and words that are keywords in places.
const KEYWORDS: &str = "abstract as async auto await become box break const continue crate default do dyn else enum \
    extern false final fn for gen if impl in let loop macro macro_rules match mod move mut override priv pub raw ref \
    return safe self Self static struct super trait true try type typeof union unsafe unsized use virtual where \
    while yield _";

/// Methods of std's traits, which a value of any type may be thought to have.
const METHODS: &str = "add as_mut as_ref borrow borrow_mut clone clone_from clone_into cmp default deref drop eq fmt \
    from from_iter from_str hash index into into_future into_iter iter lt ne neg new next not partial_cmp poll \
    to_owned to_string try_from try_into type_id";

/// What the prelude, its derives and its primitive types are called.
const PRELUDE: &str = "AsRef Box Clone Copy Debug Default Deserialize Drop Eq Err Fn FnMut FnOnce From Hash Into \
    IntoIterator Iterator None Ok Option Ord PartialEq PartialOrd Result Send Serialize Sized Some String Sync \
    ToOwned ToString TryFrom TryInto Unpin Vec alloc bool char concat core drop env f32 f64 format i128 i16 i32 i64 \
    i8 include isize option panic println result std str string u128 u16 u32 u64 u8 usize vec";

/// What the templates call their own.
const OWN: &str = "Arc Argument Binding BTreeMap Connection Connections Consume DECLARATION Declaration Delivery \
    Destination Dispatch Duration Exchange Failure Future Handler Ladder Message Outcome Procedure Publish Publisher \
    Queue Server VHOST _serde answer async_trait client connection connections declare delivery error handler H \
    inner key message options other publish publisher request routing_key serde serde_json serve to topoc \
    topoc_runtime try_join_all types value vhost";

/// Text that means something to Rust, to Markdown or to the templates, or that is hard to see.
const TEXT: &[&str] = &[
    "a\n    pub fn injected() { loop {} }\n    //",
    "a\r}\r\nmod injected {}\u{85}\u{2028}\u{2029}\u{b}\u{c}",
    "*/ pub fn injected() {} /*",
    "//",
    "///",
    "/**",
    "\"",
    "\\",
    "\\n",
    "'",
    "`",
    "``` rust",
    "#[cfg(any())]",
    "[link](http://example.com)",
    "<b>",
    "r#type",
    "r#\"",
    "%s",
    "$a",
    "\u{7f}\u{1b}[31m",
    "\u{202e}from the right",
    "\u{2066}\u{2069}",
    "\u{200b}",
    "\u{feff}",
    // in braces
    "{{",
    "}}",
    "{{{injected}}}",
    "{{#if}}",
    "{",
    "}",
    "{}",
    "{0}",
    // digits, and next to nothing
    "1",
    "1.2",
    "12",
    "2fa",
    "1e9",
    "²",
    "½",
    "٣",
    " ",
    "-",
    "__",
    // one name to Rust: it compares letters in their composed form
    "\u{1100}\u{1161}",
    "\u{ac00}",
    "\u{212b}",
    "\u{c5}",
    "A\u{30a}",
    "\u{2126}",
    "\u{3a9}",
    // other cases, and none
    "ß",
    "SS",
    "ı",
    "İ",
    "ǆ",
    "ǅ",
    "ΣΑΣ",
    "数量",
    "한국어",
    "العربية",
    "हिन्दी",
    "👍",
    "ﬁ",
    "ªº",
    // other letters or other signs
    "OrderCreated",
    "orderCreated",
    "ordercreated",
    "ORDERCREATED",
    "ORDER_CREATED",
    "order_created",
    "order-created",
    "order.created",
    "order created",
    "order--created",
    "_order_created_",
    "Order_Created",
    "order_created_2",
    "OrderCreated2",
    "OrderCreatedMessage",
    "OrderCreatedType",
    "order_created_service",
    "publish_clone",
    "on_clone",
    "call_clone",
];

/// A topology in which everything has each of these names.
pub fn topology() -> String {
    let mut names: Vec<&str> = Vec::new();
    let words = [KEYWORDS, METHODS, PRELUDE, OWN].into_iter().flat_map(str::split_whitespace);
    for name in words.chain(TEXT.iter().copied()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let each = |text: &dyn Fn(usize, &str) -> String| -> String {
        names.iter().enumerate().map(|(at, name)| text(at, name) + "\n").collect()
    };
    [
        "topology \"hostile */ \\n names\" { rabbitmq \"3.10\" }\n".to_owned(),
        "exchange \"e\" type=\"topic\"\nqueue \"rpc\" type=\"classic\"\n".to_owned(),
        "queue \"rest\" type=\"quorum\" { bind \"e\" routing-key=\"#\" }\n".to_owned(),
        each(&on_its_own),
        format!("type \"all fields\" {{\n{}}}\n", each(&|_, name| format!("{} \"string?\"", field(name)))),
        // beside services called as these are
        format!("type \"all types\" {{\n{}}}\n", types()),
        format!("enum \"all words\" {}\n", each(&|_, name| quote(name)).replace('\n', " ")),
        format!("service \"speaker\" {{\n{}{}}}\n", all("publishes", &names), all("calls", &names)),
        format!(
            "vhost \"one\" {{\n{}}}\n",
            each(&|_, name| if is_queue(name) { queue(name) } else { String::new() })
        ),
        each(&|at, name| format!("vhost {} {{ {} }}", quote(name), queue(&format!("q{at}")))),
    ]
    .into_iter()
    .chain(names.chunks(AT_ONCE).enumerate().map(|(part, names)| consumers(part, names)))
    .collect()
}

/// The broker drops line ends from queues' names.
fn is_queue(name: &str) -> bool {
    !name.contains(['\n', '\r'])
}

fn queue(name: &str) -> String {
    format!("queue {} type=\"classic\"", quote(name))
}

/// rustc takes minutes over a service that consumes hundreds of queues, or hears hundreds of messages.
const AT_ONCE: usize = 20;

/// A service that consumes a queue of each name, one that works in a vhost of each, and one that hears all of them.
fn consumers(part: usize, names: &[&str]) -> String {
    let (queues, vhosts): (String, String) = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let at = part * AT_ONCE + at;
            let of_the_name = format!("consumes {} vhost=\"one\"\n", quote(name));
            (if is_queue(name) { of_the_name } else { String::new() }, format!("consumes \"q{at}\"\n"))
        })
        .unzip();
    let (on, answers) = (all("on", names), all("answers", names));
    format!(
        "service \"consumer {part}\" {{\n{queues}}}\n\
         service \"traveller {part}\" {{\npublishes \"OrderCreated\"\n{vhosts}}}\n\
         service \"hearer {part}\" {{\nconsumes \"rest\" {{\n{on}}}\n{answers}}}\n"
    )
}

/// A node of each name.
fn all(node: &str, names: &[&str]) -> String {
    names.iter().map(|name| format!("{node} {}\n", quote(name))).collect()
}

/// A message, an rpc and a service of one name, with what stands in them of the same.
fn on_its_own(at: usize, name: &str) -> String {
    let quoted = quote(name);
    // a routing key's parameters stand in braces
    let parameter = if name.contains(['{', '}']) || name.is_empty() { "key" } else { name };
    let (key, parameter) = (quote(&format!("k{at}.{{{parameter}}}")), quote(parameter));
    format!(
        "message {quoted} {{
    publish-to \"e\" routing-key={key}
    key {parameter}
    header {quoted} type=\"string\"
    payload rust-type=\"u8\"
}}
rpc {quoted} {{ request \"all fields\"; response \"all words\"; queue \"rpc\" }}
service {quoted} description={quoted}"
    )
}

/// A field of each type.
fn types() -> String {
    FIELD_TYPES.iter().enumerate().map(|(at, (ty, _))| format!("f{at} \"list<{ty}?>\"\n")).collect()
}

/// A field's name: `for` is the language's own loop.
fn field(name: &str) -> String {
    quote(if name == "for" { "for_" } else { name })
}
