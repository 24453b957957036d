// @ts-check
import { useEffect, useState } from "preact/hooks";

/**
 * @param {number} moment  in milliseconds since 1970; what it is at first counts
 * @returns {number} whole seconds until then, counted down as they pass; 0 once it is over
 */
export function useCountdown(moment) {
  const left = () => Math.max(0, Math.ceil((moment - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    const timer = setInterval(() => {
      setSeconds(left);
      if (!left()) clearInterval(timer);
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return seconds;
}
