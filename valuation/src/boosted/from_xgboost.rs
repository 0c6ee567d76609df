//! Trees that XGBoost has fitted, out of its JSON (its documentation, Introduction to Model IO; versions 1.7 to 3).
//!
//! XGBoost sends a row left where its value is below the threshold in 32 bits, where a category is not listed, and
//! where a value is missing as the split says: the tests of our trees. It adds the leaves in 32 bits, we in 64.

use serde::Deserialize;

use super::ensemble::Ensemble;
use super::error::TreeError;
use super::most::{MOST_NODES, MOST_TREES, at_most};
use super::tree::{Names, Node, Split, Test, Tree};

/// What stands for no child.
const LEAF: i32 = -1;
/// The objective whose sum of leaves is the prediction.
const OBJECTIVE: &str = "reg:squarederror";
/// Categories that a set can list: the last number of a byte is left to what is not known.
const MOST_CATEGORIES: i64 = 255;

#[derive(Deserialize)]
struct File {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: Param,
    objective: Objective,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct Param {
    base_score: String,
    num_feature: String,
    #[serde(default)]
    num_class: Option<String>,
    #[serde(default)]
    num_target: Option<String>,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    model: Option<Forest>,
}

#[derive(Deserialize)]
struct Forest {
    #[serde(deserialize_with = "at_most::<_, _, MOST_TREES>")]
    trees: Vec<Written>,
}

/// A flag, which versions write as a number or as a truth value.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Flag {
    Truth(bool),
    Number(i64),
}

impl Flag {
    fn is_set(self) -> bool {
        match self {
            Flag::Truth(truth) => truth,
            Flag::Number(number) => number != 0,
        }
    }
}

/// A tree: a list a property, by node.
#[derive(Deserialize)]
struct Written {
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    left_children: Vec<i32>,
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    right_children: Vec<i32>,
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    split_indices: Vec<i64>,
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    split_conditions: Vec<f64>,
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    default_left: Vec<Flag>,
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    sum_hessian: Vec<f64>,
    #[serde(deserialize_with = "at_most::<_, _, MOST_NODES>")]
    loss_changes: Vec<f64>,
    /// 1 where a node's split lists categories; absent in old versions.
    #[serde(default)]
    split_type: Vec<Flag>,
    #[serde(default)]
    categories: Vec<i64>,
    #[serde(default)]
    categories_nodes: Vec<i64>,
    #[serde(default)]
    categories_segments: Vec<i64>,
    #[serde(default)]
    categories_sizes: Vec<i64>,
    tree_param: TreeParam,
}

#[derive(Deserialize)]
struct TreeParam {
    #[serde(default)]
    size_leaf_vector: Option<String>,
}

fn content(detail: String) -> TreeError {
    TreeError::Content(detail)
}

/// The trees of a booster over rows of `width` values, which are called `names` where the booster names them.
///
/// # Errors
/// When the file is not such a booster, or has what our trees have not.
pub(super) fn read(bytes: &[u8], names: &[String]) -> Result<Ensemble, TreeError> {
    let File { learner } = serde_json::from_slice(bytes).map_err(|error| {
        content(format!(
            "expected a model of XGBoost as JSON (Booster.save_model(\"model.json\")), found: {error}"
        ))
    })?;
    let Learner {
        feature_names,
        gradient_booster,
        learner_model_param,
        objective,
    } = learner;
    if objective.name != OBJECTIVE {
        let found = objective.name;
        return Err(content(format!(
            "expected the objective {OBJECTIVE} on the logarithm of the price, found {found}"
        )));
    }
    let forest = match gradient_booster {
        Booster {
            name,
            model: Some(forest),
        } if name == "gbtree" => forest,
        Booster { name, .. } => {
            return Err(content(format!(
                "expected a booster of the kind gbtree, found {name}"
            )));
        }
    };
    let one = |count: &Option<String>| matches!(count.as_deref(), None | Some("0" | "1"));
    if !one(&learner_model_param.num_class) || !one(&learner_model_param.num_target) {
        return Err(content(
            "expected a booster of one target, found several".to_owned(),
        ));
    }
    if learner_model_param.num_feature != names.len().to_string() {
        let found = learner_model_param.num_feature;
        return Err(content(format!(
            "expected a booster over the {} columns of the model's design, found one over {found}",
            names.len()
        )));
    }
    let differs = |(found, expected): &(&String, &String)| found != expected;
    if let Some((found, expected)) = feature_names.iter().zip(names).find(differs) {
        return Err(content(format!(
            "expected the columns of the model's design in their order, found {found} in the place of {expected}"
        )));
    }
    // Version 3 writes a list of one.
    let score = learner_model_param.base_score;
    let base = score.trim_matches(['[', ']']).parse::<f32>().ok();
    let base = base
        .filter(|base| base.is_finite())
        .ok_or_else(|| content(format!("expected one number as base_score, found {score}")))?;
    let trees = forest.trees.iter().enumerate().map(|(number, written)| {
        let tree = written.tree(names.len());
        tree.map_err(|error| content(format!("tree {number}: {error}")))
    });
    let trees = trees.collect::<Result<Vec<Tree>, TreeError>>()?;
    Ok(Ensemble::new(names.len(), f64::from(base), trees))
}

impl Written {
    /// As our trees are: the root first, children behind their parents, without nodes that were pruned.
    fn tree(&self, width: usize) -> Result<Tree, TreeError> {
        let nodes = self.left_children.len();
        let lengths = [
            self.right_children.len(),
            self.split_indices.len(),
            self.split_conditions.len(),
            self.default_left.len(),
            self.sum_hessian.len(),
            self.loss_changes.len(),
        ];
        if nodes == 0 || lengths.iter().any(|length| *length != nodes) {
            return Err(content(format!(
                "expected lists of one length above 0, found {nodes} and {lengths:?}"
            )));
        }
        if !matches!(
            self.tree_param.size_leaf_vector.as_deref(),
            None | Some("0" | "1")
        ) {
            return Err(content("expected leaves of one value".to_owned()));
        }
        // Places of the nodes in the file, in our order; a node that is met twice makes more than there are.
        let mut order = vec![0_usize];
        let mut built: Vec<Node> = Vec::with_capacity(nodes);
        let mut at = 0;
        while let Some(place) = order.get(at).copied() {
            at += 1;
            let split = match self.left_children[place] {
                LEAF => None,
                _ => Some(self.split(place, width, &mut order)?),
            };
            if order.len() > nodes {
                return Err(content("a node with two parents".to_owned()));
            }
            built.push(Node {
                rows: self.sum_hessian[place] as f32,
                // A leaf's value stands where a split's threshold does.
                value: match split {
                    Some(_) => 0.0,
                    None => self.split_conditions[place] as f32,
                },
                split,
            });
        }
        Ok(Tree { nodes: built })
    }

    /// The split of a node; its children are put at the end of `order`.
    fn split(
        &self,
        place: usize,
        width: usize,
        order: &mut Vec<usize>,
    ) -> Result<Split, TreeError> {
        let child = |number: i32| {
            let child = usize::try_from(number).ok();
            let child = child.filter(|child| *child < self.left_children.len());
            child.ok_or_else(|| content(format!("node {place} leads to node {number}")))
        };
        let mut sides = [
            child(self.left_children[place])?,
            child(self.right_children[place])?,
        ];
        let column = u16::try_from(self.split_indices[place]).ok();
        let column = column.filter(|column| usize::from(*column) < width);
        let column = column.ok_or_else(|| {
            let found = self.split_indices[place];
            content(format!(
                "node {place} tests value {found} of a row of {width}"
            ))
        })?;
        let mut unknown_left = self.default_left[place].is_set();
        let lists = self.split_type.get(place).is_some_and(|kind| kind.is_set());
        let test = match lists {
            false => Test::NotBelow(self.split_conditions[place] as f32),
            true => {
                let mut names = self.names(place)?;
                if !unknown_left {
                    // The same split the other way round: a set of ours goes away from what is not known.
                    names = names.map(|word| !word);
                    names[3] &= u64::MAX >> 1;
                    sides.swap(0, 1);
                    unknown_left = true;
                }
                Test::Among(names)
            }
        };
        let left = order.len() as u32;
        order.extend(sides);
        Ok(Split {
            column,
            test,
            unknown_left,
            gain: (self.loss_changes[place] as f32).max(0.0),
            left,
            right: left + 1,
        })
    }

    /// The categories that the split of a node sends to the right.
    fn names(&self, place: usize) -> Result<Names, TreeError> {
        let broken = || content(format!("node {place}: its categories are not in the lists"));
        let mut nodes = self.categories_nodes.iter();
        let index = nodes.position(|node| usize::try_from(*node) == Ok(place));
        let range = index.and_then(|index| {
            let from = usize::try_from(*self.categories_segments.get(index)?).ok()?;
            let size = usize::try_from(*self.categories_sizes.get(index)?).ok()?;
            self.categories.get(from..from.checked_add(size)?)
        });
        let mut names = Names::default();
        for category in range.ok_or_else(broken)? {
            if !(0..MOST_CATEGORIES).contains(category) {
                return Err(content(format!(
                    "node {place} lists the category {category}, expected 0 to {}",
                    MOST_CATEGORIES - 1
                )));
            }
            names[*category as usize / 64] |= 1 << (*category as usize % 64);
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
