"""The second act: a shop asks a language model, else another one, else a queue. ../README.md."""
