"""The peers: as they come, by settings chosen by hand, and the settings that a search may choose.

A name that ends in `-tuned` takes settings; the others are their libraries' defaults.
"""

# Rounds at most, and rounds without a gain after which boosting stops, in a search.
MOST_ROUNDS = 3000
PATIENCE = 50
# The same of a library that is not stopped early.
MOST_ROUNDS_LOOKING_BACK = 800

# What somebody who knows the libraries would begin with: the first trial of a search, and all of
# it in a quick run.
BY_HAND = {
    "forest-tuned": {"n_estimators": 300, "max_features": 0.4, "min_samples_leaf": 1},
    "hist-gb-tuned": {"max_iter": 600, "learning_rate": 0.05, "max_leaf_nodes": 48,
                      "min_samples_leaf": 10, "l2_regularization": 0.1, "max_features": 0.6},
    "lightgbm-tuned": {"n_estimators": 1500, "num_leaves": 48, "learning_rate": 0.03,
                       "min_child_samples": 10, "subsample": 0.8, "colsample_bytree": 0.6,
                       "reg_lambda": 1.0, "cat_smooth": 20.0},
    "xgboost-tuned": {"n_estimators": 1500, "max_depth": 6, "learning_rate": 0.03,
                      "subsample": 0.8, "colsample_bytree": 0.6, "min_child_weight": 3.0,
                      "reg_lambda": 1.0},
    "catboost-tuned": {"iterations": 3000, "depth": 7, "learning_rate": 0.04, "l2_leaf_reg": 3.0,
                       "random_strength": 1.0},
}

# Name of a setting -> how it is drawn, from, to. `factor` draws evenly by factors.
SPACES = {
    "forest-tuned": {"max_features": ("even", 0.15, 1.0), "min_samples_leaf": ("whole", 1, 5)},
    "hist-gb-tuned": {"learning_rate": ("factor", 0.03, 0.15),
                      "max_leaf_nodes": ("whole factor", 15, 127),
                      "min_samples_leaf": ("whole factor", 3, 50),
                      "l2_regularization": ("factor", 0.001, 10.0),
                      "max_features": ("even", 0.4, 1.0)},
    "lightgbm-tuned": {"num_leaves": ("whole factor", 15, 127),
                       "learning_rate": ("factor", 0.02, 0.12),
                       "min_child_samples": ("whole factor", 3, 50),
                       "subsample": ("even", 0.6, 1.0),
                       "colsample_bytree": ("even", 0.4, 1.0),
                       "reg_lambda": ("factor", 0.01, 30.0),
                       "cat_smooth": ("factor", 1.0, 100.0)},
    "xgboost-tuned": {"max_depth": ("whole", 4, 10), "learning_rate": ("factor", 0.02, 0.12),
                      "subsample": ("even", 0.6, 1.0), "colsample_bytree": ("even", 0.4, 1.0),
                      "min_child_weight": ("factor", 1.0, 20.0),
                      "reg_lambda": ("factor", 0.1, 30.0)},
    "catboost-tuned": {"depth": ("whole", 5, 9), "learning_rate": ("factor", 0.03, 0.12),
                       "l2_leaf_reg": ("factor", 1.0, 20.0),
                       "random_strength": ("factor", 0.1, 3.0)},
}

# What the number of rounds is called, where they are chosen by stopping early.
ROUNDS = {"hist-gb-tuned": "max_iter", "lightgbm-tuned": "n_estimators",
          "xgboost-tuned": "n_estimators", "catboost-tuned": "iterations"}


# The same of peers that tell classes; of these the rounds are drawn too.
CLASS_BY_HAND = {
    "forest-tuned": {"n_estimators": 500, "max_features": 0.3, "min_samples_leaf": 1},
    "extra-trees-tuned": {"n_estimators": 500, "max_features": 0.5, "min_samples_leaf": 1},
    "lightgbm-tuned": {"n_estimators": 500, "num_leaves": 63, "learning_rate": 0.05,
                       "min_child_samples": 5, "subsample": 0.8, "colsample_bytree": 0.6,
                       "reg_lambda": 1.0},
    "xgboost-tuned": {"n_estimators": 500, "max_depth": 10, "learning_rate": 0.05, "subsample": 0.8,
                      "colsample_bytree": 0.6, "min_child_weight": 1.0, "reg_lambda": 1.0},
    "catboost-tuned": {"iterations": 1000, "depth": 8, "learning_rate": 0.08, "l2_leaf_reg": 3.0},
}
CLASS_SPACES = {
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


def drawn(name, chance, by_hand=BY_HAND, spaces=SPACES):
    found = dict(by_hand[name])
    for setting, (how, low, high) in spaces[name].items():
        if how == "even":
            found[setting] = chance.uniform(low, high)
        elif how == "whole":
            found[setting] = chance.randint(low, high)
        else:
            value = low * (high / low) ** chance.random()
            found[setting] = round(value) if how == "whole factor" else value
    return found


def _numbers(columns, categories):
    return [name for name in columns if name not in categories]


def _one_hot(columns, categories):
    """Categories as columns of 0 and 1, numbers imputed and scaled: for a line."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=5), categories),
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
         _numbers(columns, categories)),
    )


def _means(columns, categories):
    """Categories as their levels' mean targets, out of fold in training: for a forest, which would
    need a split for each of hundreds of columns."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import TargetEncoder
    return make_column_transformer(
        (TargetEncoder(target_type="continuous", random_state=0), categories),
        (SimpleImputer(strategy="median", add_indicator=True), _numbers(columns, categories)),
    )


def model(name, columns, categories, settings, kind="Regressor"):
    """The peer, unfitted; `kind` is what its class's name ends in, Regressor or Classifier."""
    if name in ("ols", "ridge") or name == "logistic" or name.startswith(("forest", "extra-trees")):
        from sklearn import ensemble, linear_model
        from sklearn.pipeline import make_pipeline
        if name == "ols":
            last = linear_model.LinearRegression()
        elif name == "ridge":
            last = linear_model.RidgeCV([10.0 ** (power / 2) for power in range(-4, 9)])
        elif name == "logistic":
            last = linear_model.LogisticRegression(max_iter=2000)
        else:
            trees = "RandomForest" if name.startswith("forest") else "ExtraTrees"
            last = getattr(ensemble, trees + kind)(**settings, n_jobs=-1, random_state=0)
        is_forest_of_prices = name.startswith("forest") and kind == "Regressor"
        first = _means if is_forest_of_prices else _one_hot
        return make_pipeline(first(columns, categories), last)
    if name.startswith("hist-gb"):
        from sklearn import ensemble
        boosting = getattr(ensemble, "HistGradientBoosting" + kind)
        return boosting(**{"random_state": 0, **settings})
    if name.startswith("lightgbm"):
        import lightgbm
        bagging = {"subsample_freq": 1} if settings else {}
        return getattr(lightgbm, "LGBM" + kind)(**settings, **bagging, verbose=-1, random_state=0)
    if name.startswith("xgboost"):
        import xgboost
        return getattr(xgboost, "XGB" + kind)(**settings, enable_categorical=True,
                                              tree_method="hist", random_state=0)
    import catboost
    return getattr(catboost, "CatBoost" + kind)(**settings, cat_features=categories, verbose=0,
                                                random_seed=0, allow_writing_files=False)


def checked(name, columns, categories, settings, learn, check):
    """Fits on `learn` (features, target), boosting until `check` gets no better; what is estimated of
    `check`, and the rounds (None where there are none to choose)."""
    if name in ROUNDS:
        settings = {**settings, ROUNDS[name]: MOST_ROUNDS}
    if name == "hist-gb-tuned":
        # Its own stopping takes ten times as long as growing on and looking back.
        settings[ROUNDS[name]] = MOST_ROUNDS_LOOKING_BACK
    if name == "xgboost-tuned":
        settings["early_stopping_rounds"] = PATIENCE
    fitted = model(name, columns, categories, settings)
    if name == "hist-gb-tuned":
        fitted.fit(*learn)
        stages = enumerate(fitted.staged_predict(check[0]), start=1)
        best = min(stages, key=lambda stage: float(((stage[1] - check[1]) ** 2).sum()))
        return best[1], best[0]
    if name == "lightgbm-tuned":
        import lightgbm
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        fitted.fit(*learn, eval_set=[check], callbacks=[stop])
        return fitted.predict(check[0]), fitted.best_iteration_
    if name == "xgboost-tuned":
        fitted.fit(*learn, eval_set=[check], verbose=False)
        return fitted.predict(check[0]), fitted.best_iteration + 1
    if name == "catboost-tuned":
        fitted.fit(*learn, eval_set=check, early_stopping_rounds=PATIENCE, use_best_model=True)
        return fitted.predict(check[0]), fitted.get_best_iteration() + 1
    fitted.fit(*learn)
    return fitted.predict(check[0]), None
