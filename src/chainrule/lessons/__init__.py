"""The worked examples: lessons as data files, one small runner, exercise sheets."""
