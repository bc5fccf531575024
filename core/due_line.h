#ifndef FUSEBOX_CORE_DUE_LINE_H_
#define FUSEBOX_CORE_DUE_LINE_H_

#include <cstddef>
#include <utility>

#include "absl/container/btree_set.h"
#include "core/tick.h"

namespace fusebox {

// Where a node stands in a DueLine, which alone writes it.
template <typename Node>
struct DueLink {
  Node* previous = nullptr;
  Node* next = nullptr;
};

// Nodes by when they are due. They have a `DueLink<Node> link` and tell by `Tick Due() const`,
// which does not change while they are in it.
//
// Where all have the same time to go, each is due after those before it. So nodes stand in a list
// that runs through them, as long as they come in this order; one that is due before the last of
// the list is early, and stands in a tree beside it. So one that has very long to go sends those
// after it to the tree.
//
// Takes 20 to 40 bytes for each that is early. Owns no node. Add() and Remove() are O(1), or O(log
// size) for who is early. Not thread-safe.
template <typename Node>
class DueLine {
 public:
  DueLine() = default;
  DueLine(const DueLine&) = delete;
  DueLine& operator=(const DueLine&) = delete;

  // `node` is not in it.
  void Add(Node& node) {
    node.link = {};
    if (last_ != nullptr && node.Due() < last_->Due()) {
      early_.emplace(node.Due(), &node);
      ++size_;
      return;
    }
    ++size_;
    node.link.previous = last_;
    (last_ == nullptr ? first_ : last_->link.next) = &node;
    last_ = &node;
  }

  // `node` is in it.
  void Remove(Node& node) {
    --size_;
    const auto [previous, next] = node.link;
    // One that is early has no link, and the list begins with another.
    const bool early = previous == nullptr && first_ != &node;
    if (early) {
      early_.erase({node.Due(), &node});
      return;
    }
    (previous == nullptr ? first_ : previous->link.next) = next;
    (next == nullptr ? last_ : next->link.previous) = previous;
  }

  // The one that is due first: of those that are due together the one that came first, unless one
  // of them is early. Null if there is none.
  Node* First() const {
    if (early_.empty()) return first_;
    const auto [due, early] = *early_.begin();
    return first_ == nullptr || due < first_->Due() ? early : first_;
  }

  size_t size() const { return size_; }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  size_t size_ = 0;
  absl::btree_set<std::pair<Tick, Node*>> early_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_DUE_LINE_H_
