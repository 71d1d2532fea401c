"""Feeds: readers of one provider each, and the aggregation that turns a tape into bars."""
