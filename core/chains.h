#ifndef FUSEBOX_CORE_CHAINS_H_
#define FUSEBOX_CORE_CHAINS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace fusebox {

// Finds nodes by their hash, in chains that run through the nodes. `By` says by which of their
// hashes, and where the chain runs:
//
//   struct ByName {
//     static size_t Hash(const Node& node);  // Does not change while the node is in it.
//     static Node*& Next(Node& node);        // For the chains alone.
//   };
//   Chains<Node, ByName> names;
//
// For indexes of which there are very many, most of them of a node or two: these take no memory
// but what is here, so that nothing else is to be waited for. With more nodes than that it takes 8
// to 64 bytes for each. Owns no node. All are O(1), amortized (now and then one moves all nodes),
// if hashes spread: whoever hashes what strangers choose keeps them from choosing the hash.
// Not thread-safe.
template <typename Node, typename By>
class Chains {
 public:
  Chains() = default;
  Chains(const Chains&) = delete;
  Chains& operator=(const Chains&) = delete;

  // `node` is not in it.
  void Add(Node& node) {
    if (size_ == capacity_) Resize(2 * capacity_);
    Push(node);
    ++size_;
  }

  // `node` is in it.
  void Remove(Node& node) {
    Node** link = &Head(By::Hash(node));
    while (*link != &node) link = &By::Next(**link);
    *link = By::Next(node);
    --size_;
    // In place again as soon as it is small again, for then there is nothing else to wait for.
    const bool sparse = size_ <= std::max(capacity_ / 8, kFew / 2);
    if (capacity_ > kFew && sparse) Resize(size_ <= kFew / 2 ? kFew : capacity_ / 2);
  }

  // The one of those with this hash, and of others, that is meant. Null if none is.
  template <typename IsMeant>
  Node* Find(size_t hash, IsMeant is_meant) {
    Node* node = Head(hash);
    while (node != nullptr && !is_meant(*node)) node = By::Next(*node);
    return node;
  }

  size_t size() const { return size_; }

  // For how many there are chains, for tests.
  size_t capacity() const { return capacity_; }

 private:
  static constexpr uint32_t kFew = 2;
  using Few = std::array<Node*, kFew>;

  Node*& Head(size_t hash) {
    Node** const heads = many_ == nullptr ? few_.data() : many_.get();
    return heads[hash & (capacity_ - 1)];
  }

  void Push(Node& node) {
    Node*& head = Head(By::Hash(node));
    By::Next(node) = head;
    head = &node;
  }

  void Resize(uint32_t capacity) {
    auto fresh = capacity > kFew ? std::make_unique<Node*[]>(capacity) : nullptr;
    const Few few = std::exchange(few_, Few());
    const auto many = std::exchange(many_, std::move(fresh));
    Node* const* const heads = many == nullptr ? few.data() : many.get();
    const uint32_t before = std::exchange(capacity_, capacity);
    for (uint32_t i = 0; i < before; ++i) {
      for (Node* node = heads[i]; node != nullptr;) Push(*std::exchange(node, By::Next(*node)));
    }
  }

  // Counts are of 32 bits, as 2^32 nodes would take far more memory than there is.
  std::unique_ptr<Node*[]> many_;  // Null while `few_` are enough.
  uint32_t capacity_ = kFew;       // A power of two.
  uint32_t size_ = 0;
  Few few_ = {};
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_CHAINS_H_
