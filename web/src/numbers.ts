/** Every number that Python and the page share. `emojimation page` writes them to numbers.json; none is repeated here. */

import type { Words } from "./languages";

export type Point = [number, number];
export type Size = readonly [number, number];

export interface Detect {
  input_px: number; stride: number; same_face_iou: number; close_up_share: number; small_px: number; softer: number;
  sure: number; mouth_half_width: number; faint: number; most_small: number; batch: number; min_score: number;
  min_size_px: number; close_up_padding: number; face_input_px: number; face_padding: number; tile_overlap: number;
  portrait_share: number; full_every: number; full_every_s: number; same_iou: number; same_centre: number; same_size: number;
}

export interface Classify {
  name: string; labels: string[]; size: number; template: Point[]; threshold: number; most_zoom: number;
  trained: number[] | null;
}

export interface Tracking {
  nominal_step_s: number; box_memory_s: number; spread: number; spread_per_s: number; spread_per_s2: number;
  spread_per_s_new: number; size_spread: number; emotion_weight: number; max_cost: number; crowded_iou: number;
  tentative_share: number; neighbours_s: number; foreseen_s: number; smooth_s: number; max_gap_s: number; confirm_hits: number; like_steps: number; hold_s: number;
  shortest: number;
}

export interface Draw { head_side: number; head_lift: number; disc: number; cells: number; pale: number }

export type Pose = Record<string, number>;
export interface AvatarNumbers {
  poses: Pose[]; blends: { of: Size; pose: Pose }[]; colours: Record<string, string>; lid_shade: number[]; eye_x: number; sharpness: number;
}

export interface Numbers {
  version: string; detect: Detect; classify: Classify; tracking: Tracking; draw: Draw; avatar: AvatarNumbers;
  priors: Record<string, number[]>; pair_threshold: number;
  labels: { emoji: string[]; colours: string[]; not_sure_emoji: string; grey: string };
  languages: Record<string, Words>;
  styles: { name: string; words: string; hides: boolean }[];
  art: string[]; samples: string[]; engine_bytes: Record<string, number>;
}

export async function loadNumbers(base: URL): Promise<Numbers> {
  return (await fetched(new URL("numbers.json", base))).json();
}

/** A file of the page. Throws one line if it cannot be had. */
export async function fetched(url: URL): Promise<Response> {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) {
    throw new Error(`Expected ${url.pathname.split("/").pop()}, got ${answer ? answer.status : "no answer"}: reload the page.`);
  }
  return answer;
}
