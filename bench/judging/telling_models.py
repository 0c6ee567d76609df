"""The peers that tell classes: as they come, by settings chosen by hand, and what a search may choose.

A name that ends in `-tuned` takes settings; the others are their libraries' defaults.
"""

import models

BY_HAND = {
    "forest-tuned": {"n_estimators": 500, "max_features": 0.3, "min_samples_leaf": 1},
    "extra-trees-tuned": {"n_estimators": 500, "max_features": 0.5, "min_samples_leaf": 1},
    "lightgbm-tuned": {"n_estimators": 500, "num_leaves": 63, "learning_rate": 0.05,
                       "min_child_samples": 5, "subsample": 0.8, "colsample_bytree": 0.6,
                       "reg_lambda": 1.0},
    "xgboost-tuned": {"n_estimators": 500, "max_depth": 10, "learning_rate": 0.05, "subsample": 0.8,
                      "colsample_bytree": 0.6, "min_child_weight": 1.0, "reg_lambda": 1.0},
    "catboost-tuned": {"iterations": 1000, "depth": 8, "learning_rate": 0.08, "l2_leaf_reg": 3.0},
}

# Name of a setting -> how it is drawn, from, to. `factor` draws evenly by factors.
SPACES = {
    "forest-tuned": {"max_features": ("even", 0.1, 1.0), "min_samples_leaf": ("whole", 1, 4)},
    "extra-trees-tuned": {"max_features": ("even", 0.1, 1.0), "min_samples_leaf": ("whole", 1, 4)},
    "lightgbm-tuned": {"n_estimators": ("whole factor", 100, 1500),
                       "num_leaves": ("whole factor", 15, 255),
                       "learning_rate": ("factor", 0.02, 0.2),
                       "min_child_samples": ("whole factor", 1, 40),
                       "subsample": ("even", 0.5, 1.0), "colsample_bytree": ("even", 0.3, 1.0),
                       "reg_lambda": ("factor", 0.01, 30.0)},
    "xgboost-tuned": {"n_estimators": ("whole factor", 100, 1500), "max_depth": ("whole", 4, 14),
                      "learning_rate": ("factor", 0.02, 0.2), "subsample": ("even", 0.5, 1.0),
                      "colsample_bytree": ("even", 0.3, 1.0),
                      "min_child_weight": ("factor", 0.1, 20.0),
                      "reg_lambda": ("factor", 0.01, 30.0)},
    "catboost-tuned": {"iterations": ("whole factor", 200, 1500), "depth": ("whole", 5, 10),
                       "learning_rate": ("factor", 0.03, 0.2), "l2_leaf_reg": ("factor", 1.0, 20.0)},
}


def drawn(name, chance):
    """Settings of a trial, from the generator `chance`."""
    return {**BY_HAND[name], **models.from_space(SPACES[name], chance)}


def model(name, columns, categories, settings):
    """The peer, unfitted."""
    if name == "logistic" or name.startswith(("forest", "extra-trees")):
        from sklearn.pipeline import make_pipeline
        prepared = models.one_hot(columns, categories)
        if name == "logistic":
            from sklearn.linear_model import LogisticRegression
            return make_pipeline(prepared, LogisticRegression(max_iter=2000))
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
        kind = RandomForestClassifier if name.startswith("forest") else ExtraTreesClassifier
        return make_pipeline(prepared, kind(**settings, n_jobs=-1, random_state=0))
    if name.startswith("hist-gb"):
        from sklearn.ensemble import HistGradientBoostingClassifier
        return HistGradientBoostingClassifier(random_state=0, **settings)
    if name.startswith("lightgbm"):
        import lightgbm
        bagging = {"subsample_freq": 1} if settings else {}
        return lightgbm.LGBMClassifier(**settings, **bagging, verbose=-1, random_state=0)
    if name.startswith("xgboost"):
        import xgboost
        return xgboost.XGBClassifier(**settings, enable_categorical=True, tree_method="hist",
                                     random_state=0)
    import catboost
    return catboost.CatBoostClassifier(**settings, cat_features=categories, verbose=0, random_seed=0,
                                       allow_writing_files=False)
