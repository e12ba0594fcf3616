"""LEMUR's COCO batches, bit for bit, without their cost: captions cut once, pictures decoded and resized once.

This half needs torch and runs where networks are trained; `ab.gpt.train.cache` keeps its files in order.
"""
