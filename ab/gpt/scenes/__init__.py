"""Practice data for image captioners: drawn scenes with captions, laid out as COCO's captions are."""

from ab.gpt.scenes.write import Progress, SceneReport, draw_scenes

__all__ = ["Progress", "SceneReport", "draw_scenes"]
