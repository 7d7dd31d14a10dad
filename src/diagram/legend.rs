//! The legend: the shapes and lines that a picture has, and no others.

use super::picture::{Line, Picture, Shape};

/// A shape in one letter, and what it stands for.
pub(super) fn of_shape(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Service => ("◧", "service"),
        Shape::Direct => ("▷", "direct exchange"),
        Shape::Topic => ("⬡", "topic exchange"),
        Shape::Fanout => ("◁", "fanout exchange"),
        Shape::Headers => ("▱", "headers exchange"),
        Shape::OtherExchange => ("◯", "other exchange"),
        Shape::Classic => ("▭", "classic queue"),
        Shape::Quorum => ("▣", "quorum queue"),
        Shape::Stream => ("⛁", "stream"),
        Shape::SuperStream => ("❒", "super stream"),
        Shape::Elsewhere => ("▢", "another broker"),
    }
}

/// A line in letters, and what it stands for.
pub(super) fn of_line(line: Line) -> (&'static str, &'static str) {
    match line {
        Line::Publish => ("──▶", "publishes"),
        Line::Bind => ("──▶", "binding, with its keys"),
        Line::Consume => ("──>", "consumes"),
        Line::Call => ("o━━▶", "rpc"),
        Line::DeadLetter => ("╌╌▶", "dead letters"),
        Line::Alternate => ("····▶", "alternate exchange"),
        Line::Retry => ("╌╌>", "waits to be retried"),
        Line::Shovel => ("━━>", "shovel"),
        Line::Federation => ("━━>", "federation"),
    }
}

/// What the picture shows by outline and fill, beyond shapes.
pub(super) fn of_looks(picture: &Picture) -> Vec<(&'static str, Look)> {
    let mut looks = Vec::new();
    if picture.boxes.iter().any(|one| one.dead && !one.missing) {
        looks.push(("only dead letters come here", Look::Dead));
    }
    if picture.boxes.iter().any(|one| one.external && one.shape != Shape::Elsewhere) {
        looks.push(("external: somebody else makes it", Look::External));
    }
    looks
}

/// A fill with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Dead,
    External,
}
