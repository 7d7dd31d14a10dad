//! The guide's blocks, and how what it shows is compared with what is printed.

use std::collections::BTreeMap;

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// `console`, `kdl`, …
    pub(crate) language: String,
    /// What stands between the fences.
    pub(crate) text: String,
    /// The line of the page that it starts on.
    pub(crate) line: usize,
    /// From a line ``file: `path` `` just before.
    pub(crate) file: Option<String>,
}

/// One command of a console block.
#[derive(Debug)]
pub(crate) struct Step {
    /// What stands after the prompt.
    pub(crate) command: String,
    /// From a comment `# exits N`, else 0.
    pub(crate) code: i32,
    /// What is shown below it.
    pub(crate) shown: Vec<String>,
}

/// The blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut file = None;
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(path) = line.strip_prefix("file: `").and_then(|rest| rest.strip_suffix('`')) {
            file = Some(path.to_owned());
        } else if let Some(language) = line.strip_prefix("```") {
            let within = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text = within.map(|line| format!("{line}\n")).collect();
            let language = language.to_owned();
            blocks.push(Block { language, text, line: number + 1, file: file.take() });
        } else if !line.is_empty() {
            file = None;
        }
    }
    blocks
}

impl Block {
    /// The commands of a console block.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                let code = command.split_once("# exits ").map_or("0", |(_, code)| code);
                let code = code.parse().unwrap_or_else(|_| panic!("`# exits N`: {line}"));
                steps.push(Step { command: command.to_owned(), code, shown: Vec::new() });
            } else {
                let step = steps.last_mut().unwrap_or_else(|| panic!("line {}: no command", self.line));
                step.shown.push(line.to_owned());
            }
        }
        steps
    }

    /// A file after the edit of a diff block.
    pub(crate) fn edit(&self, text: &str) -> String {
        let side = |not: char| -> String {
            let lines = self.text.lines().filter(|line| !line.starts_with(not));
            lines.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
        };
        let (before, after) = (side('+'), side('-'));
        assert_eq!(text.matches(&before).count(), 1, "line {}: it is there once:\n{before}", self.line);
        text.replace(&before, &after)
    }
}

/// Whether what is shown is what was printed: `…` stands for any text, and alone on a line for any lines.
pub(crate) fn is_shown(shown: &[String], printed: &[String]) -> bool {
    match (shown, printed) {
        ([], rest) => rest.is_empty(),
        ([any, others @ ..], printed) if any == "…" => {
            (0..=printed.len()).any(|skipped| is_shown(others, &printed[skipped..]))
        }
        ([_, ..], []) => false,
        ([line, others @ ..], [first, rest @ ..]) => {
            is_line(line, first.trim_end()) && is_shown(others, rest)
        }
    }
}

fn is_line(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown == printed,
        Some((start, end)) => printed.strip_prefix(start).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| is_line(end, &rest[at..]))
        }),
    }
}

/// How many blocks there are of each language.
pub(crate) fn languages(blocks: &[Block]) -> BTreeMap<&str, usize> {
    let mut languages = BTreeMap::new();
    for block in blocks {
        *languages.entry(block.language.as_str()).or_default() += 1;
    }
    languages
}
