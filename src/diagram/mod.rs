//! A topology as a picture: Graphviz DOT and Mermaid, as text.
//!
//! Things and links ([`scene`], [`loose`]) → those that are asked for ([`focus`]) → fewer of them where many are alike ([`fold`])
//! → a [`Picture`] of boxes and arrows that knows no broker → text ([`dot`], [`mermaid`]).
//!
//! This room knows topologies, their graph, the routes of messages, and what was found in them. It starts no program: whoever wants SVG or
//! PNG hands the text to Graphviz.

mod arrows;
mod aside;
mod boxes;
mod dot;
mod facts;
mod federation;
mod focus;
mod fold;
mod grid;
mod labels;
mod legend;
mod loose;
mod marks;
mod mermaid;
mod owners;
mod picture;
mod scene;
mod text;
mod walk;

pub use mermaid::MERMAID_ARROWS;
pub use picture::Picture;

use crate::{
    diag::{Report, SourceMap, did_you_mean},
    graph::{Graph, Trail, Ways},
};

/// What to draw.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only what leads into and out of the exchange, queue, service, message or rpc of this name.
    pub focus: Option<String>,
    /// How many steps from one queue or service to the next, with `focus`; none: on to the next services.
    pub depth: Option<usize>,
    /// Only this vhost.
    pub vhost: Option<String>,
    /// Every queue of a retry ladder and every partition of a super stream for itself.
    pub expand: bool,
    /// Every queue for itself, however many are alike.
    pub all: bool,
    /// Without the legend.
    pub bare: bool,
}

/// What is asked for is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// `nothing is called …`
    pub message: String,
    /// The nearest name, or the names there are.
    pub help: String,
}

/// Draws a topology, with what was found in it.
///
/// # Errors
/// When nothing has the name to focus on, or no vhost the name to keep to.
pub fn draw(
    graph: &Graph<'_>,
    sources: &SourceMap,
    report: &Report,
    options: &Options,
) -> Result<Picture, Unknown> {
    picture(graph, sources, report, options, None)
}

/// Draws a whole topology with one message's trail in it: all else is pale.
///
/// # Errors
/// When no vhost has the name to keep to.
pub fn draw_trail(
    graph: &Graph<'_>,
    sources: &SourceMap,
    trail: &Trail<'_>,
    options: &Options,
) -> Result<Picture, Unknown> {
    let mut picture = picture(graph, sources, &Report::default(), options, Some(trail))?;
    if !trail.asked.is_empty() {
        picture.title.push_str(&format!(": the way of {}", trail.asked));
    }
    Ok(picture)
}

fn picture(
    graph: &Graph<'_>,
    sources: &SourceMap,
    report: &Report,
    options: &Options,
    trail: Option<&Trail<'_>>,
) -> Result<Picture, Unknown> {
    let mut scene = scene::Scene::new(&Ways::new(graph));
    if let Some(vhost) = &options.vhost {
        if !scene.vhosts().contains(&vhost.as_str()) {
            return Err(Unknown {
                message: format!("nothing stands in a vhost `{vhost}`"),
                help: did_you_mean(vhost, scene.vhosts(), "vhost"),
            });
        }
        scene.keep_vhost(vhost);
    }
    let unplaced = marks::attach(&mut scene, report);
    // a part of a topology shows what is so in all of it
    owners::attach(&mut scene, graph);
    if let Some(trail) = trail {
        aside::attach(&mut scene, trail);
    }
    if let Some(name) = &options.focus {
        focus::keep(&mut scene, graph, name, options.depth).map_err(|known| Unknown {
            message: format!("nothing is called `{name}`"),
            help: did_you_mean(name, known, "name"),
        })?;
    }
    let fold = fold::Fold::new(&scene, graph.topology, options);
    let drawing = boxes::Drawing { graph, sources, scene: &scene, fold: &fold };
    Ok(drawing.picture(unplaced, options))
}
