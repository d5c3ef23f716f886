//! The order of jobs: each after everything that it needs.

use std::collections::BTreeMap;

use document::{Place, suggestion};

use super::page::Page;

/// Jobs with their needs, each with its place, in the order of the file.
type Needs<'a> = [(&'a str, &'a [(String, Place)])];

/// Gives the jobs' indices in an order in which each comes after what it needs; those that could come in any order keep
/// theirs. Jobs that need each other are a mistake, and left out.
pub(super) fn check(page: Page<'_>, jobs: &Needs<'_>) -> Vec<usize> {
    let by_key: BTreeMap<String, usize> = jobs
        .iter()
        .enumerate()
        .map(|(index, (key, _))| (key.to_ascii_lowercase(), index))
        .collect();
    let mut edges: Vec<Vec<usize>> = Vec::new();
    for (key, needs) in jobs {
        let mut known = Vec::new();
        for (name, at) in *needs {
            match by_key.get(&name.to_ascii_lowercase()) {
                Some(index) if known.contains(index) => {
                    page.mistake(*at, format!("job '{key}' needs '{name}' twice"));
                }
                Some(index) => known.push(*index),
                None => {
                    let hint = suggestion(name, jobs.iter().map(|(key, _)| *key));
                    let what = "which is no job of this workflow";
                    page.mistake(*at, format!("job '{key}' needs '{name}', {what}{hint}"));
                }
            }
        }
        edges.push(known);
    }
    let order = order(&edges);
    if order.len() < jobs.len()
        && let Some((first, circle)) = circle(&edges, &order)
    {
        let names: Vec<_> = circle.iter().map(|index| jobs[*index].0).collect();
        let at = jobs[first].1.first().map_or(Place { line: 1, column: 1 }, |(_, at)| *at);
        page.mistake(at, format!("these jobs need each other in a circle: {}", names.join(" → ")));
    }
    order
}

/// Kahn's algorithm.
fn order(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut placed = vec![false; edges.len()];
    let mut order = Vec::with_capacity(edges.len());
    loop {
        let next = (0..edges.len())
            .find(|job| !placed[*job] && edges[*job].iter().all(|need| placed[*need]));
        let Some(next) = next else { return order };
        placed[next] = true;
        order.push(next);
    }
}

/// Walks along needs that are in no order until a job comes up again: each of them has one.
fn circle(edges: &[Vec<usize>], order: &[usize]) -> Option<(usize, Vec<usize>)> {
    let open = |job: &usize| !order.contains(job);
    let mut path: Vec<usize> = Vec::new();
    let mut current = (0..edges.len()).find(open)?;
    loop {
        if let Some(start) = path.iter().position(|seen| *seen == current) {
            let mut circle = path.split_off(start);
            circle.push(current);
            return Some((current, circle));
        }
        path.push(current);
        current = edges[current].iter().copied().find(open)?;
    }
}
