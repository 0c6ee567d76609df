//! Trees as XGBoost's JSON (its documentation, Introduction to Model IO; schema of version 2.1).

use serde_json::{Value, json};

use super::ensemble::Ensemble;
use super::tree::{Names, Node, Test, Tree};

/// What stands for no parent.
const NO_PARENT: i64 = i32::MAX as i64;

/// A model that XGBoost loads and that says the same.
pub(super) fn model(ensemble: &Ensemble) -> Value {
    let width = ensemble.width;
    let trees = &ensemble.trees;
    let mut kinds = vec!["float"; width];
    for split in trees
        .iter()
        .flat_map(|tree| &tree.nodes)
        .filter_map(|node| node.split)
    {
        if matches!(split.test, Test::Among(_)) {
            kinds[usize::from(split.column)] = "c";
        }
    }
    let indices: Vec<usize> = (0..=trees.len()).collect();
    let written: Vec<Value> = trees
        .iter()
        .enumerate()
        .map(|(id, nodes)| tree(id, nodes, width))
        .collect();
    json!({
        "learner": {
            "attributes": {},
            "feature_names": (0..width).map(|column| format!("f{column}")).collect::<Vec<_>>(),
            "feature_types": kinds,
            "gradient_booster": {
                "model": {
                    "gbtree_model_param": {
                        "num_parallel_tree": "1",
                        "num_trees": trees.len().to_string(),
                    },
                    "iteration_indptr": indices,
                    "tree_info": vec![0; trees.len()],
                    "trees": written,
                },
                "name": "gbtree",
            },
            "learner_model_param": {
                "base_score": format!("{:E}", ensemble.base as f32),
                "boost_from_average": "1",
                "num_class": "0",
                "num_feature": width.to_string(),
                "num_target": "1",
            },
            "objective": {
                "name": "reg:squarederror",
                "reg_loss_param": { "scale_pos_weight": "1" },
            },
        },
        "version": [2, 1, 0],
    })
}

fn tree(id: usize, tree: &Tree, width: usize) -> Value {
    let nodes = &tree.nodes;
    let mut parents = vec![NO_PARENT; nodes.len()];
    for (id, node) in nodes.iter().enumerate() {
        for next in node
            .split
            .iter()
            .flat_map(|split| [split.left, split.right])
        {
            parents[next as usize] = id as i64;
        }
    }
    let names = |node: &Node| match node.split.map(|split| split.test) {
        Some(Test::Among(names)) => Some(numbers(&names)),
        _ => None,
    };
    let (mut categories, mut of, mut from, mut sizes) = (vec![], vec![], vec![], vec![]);
    for (id, node) in nodes
        .iter()
        .enumerate()
        .filter_map(|(id, node)| Some((id, names(node)?)))
    {
        of.push(id);
        from.push(categories.len());
        sizes.push(node.len());
        categories.extend(node);
    }
    let each = |value: &dyn Fn(&Node) -> Value| nodes.iter().map(value).collect::<Vec<_>>();
    let split = |node: &Node, value: &dyn Fn(super::tree::Split) -> Value, leaf: Value| {
        node.split.map_or(leaf, value)
    };
    json!({
        "base_weights": each(&|node| json!(node.value)),
        "categories": categories,
        "categories_nodes": of,
        "categories_segments": from,
        "categories_sizes": sizes,
        "default_left": each(&|node| split(node, &|split| json!(u8::from(split.unknown_left)), json!(0))),
        "id": id,
        "left_children": each(&|node| split(node, &|split| json!(split.left), json!(-1))),
        "loss_changes": each(&|node| split(node, &|split| json!(split.gain), json!(0.0))),
        "parents": parents,
        "right_children": each(&|node| split(node, &|split| json!(split.right), json!(-1))),
        // A leaf's value stands where a split's threshold does; a split of names has none.
        "split_conditions": each(&|node| match node.split.map(|split| split.test) {
            None => json!(node.value),
            Some(Test::NotBelow(least)) => json!(least),
            Some(Test::Among(_)) => json!(0.0),
        }),
        "split_indices": each(&|node| split(node, &|split| json!(split.column), json!(0))),
        "split_type": each(&|node| json!(u8::from(names(node).is_some()))),
        "sum_hessian": each(&|node| json!(node.rows)),
        "tree_param": {
            "num_deleted": "0",
            "num_feature": width.to_string(),
            "num_nodes": nodes.len().to_string(),
            "size_leaf_vector": "1",
        },
    })
}

/// The numbers of names: XGBoost too sends what is listed to the right.
fn numbers(names: &Names) -> Vec<u32> {
    (0..256_u32)
        .filter(|name| names[*name as usize / 64] >> (name % 64) & 1 == 1)
        .collect()
}
