/// A topology's text in which every service has a user of its own name, with the password in the variable `password`.
#[must_use]
pub fn with_users(topology: &str, password: &str) -> String {
    let line = |line: &str| match line.strip_prefix("service \"").and_then(|rest| rest.split_once('"')) {
        Some((name, _)) => {
            line.replacen(" {", &format!(" {{ user \"{name}\" {{ password env=\"{password}\" }};"), 1)
        }
        None => line.to_owned(),
    };
    topology.lines().map(line).collect::<Vec<_>>().join("\n")
}
